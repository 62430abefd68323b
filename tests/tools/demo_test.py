#!/usr/bin/env python3
"""tools/demo/demo.sh at a small size: it runs to its end and shows what it promises."""

import os
import pathlib
import shutil
import subprocess
import unittest

import command

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Demo(unittest.TestCase):
    def test_it_runs_and_shows_fibers_and_traffic_without_errors(self):
        done = subprocess.run([ROOT / "tools/demo/demo.sh", os.environ["WEFT_BUILD"], "2000", "50", "1"], cwd=ROOT,
                              capture_output=True, text=True, check=False, timeout=4 * command.PATIENCE)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"== 2000 fibers parked at once")
        self.assertRegex(done.stdout, r"2000 parked fibers, \d+ KiB stacks +\d+ bytes each, -?\d+ more mappings")
        self.assertRegex(done.stdout, r"weft serve, 50 connections +\d")
        self.assertRegex(done.stdout, r"\n +errors: none\n")
        self.assertIn("the server stopped gracefully", done.stdout)
        if shutil.which("curl"):
            self.assertIn("byte for byte", done.stdout)
        if shutil.which("wrk"):
            self.assertRegex(done.stdout, r"weft serve, wrk -c1000 +[\d.]+ requests per second")


if __name__ == "__main__":
    command.main()
