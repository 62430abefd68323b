#!/usr/bin/env python3
"""`weft serve` under wrk, a load generator that others wrote: a thousand connections, not one error."""

import re
import resource
import shutil
import subprocess
import unittest

import command
from command import FolderCase, Server

WRK = shutil.which("wrk")


@unittest.skipUnless(WRK, "no wrk")
class Wrk(FolderCase):
    def test_a_thousand_connections_are_served_without_an_error(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard != resource.RLIM_INFINITY and hard < 2000:
            self.skipTest(f"{hard} open files are too few")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.write("f", b"content" * 100)
        with Server(self.folder, "--log", "off") as server:
            done = subprocess.run([WRK, "-t1", "-c1000", "-d2s", "--timeout", "60s", f"http://127.0.0.1:{server.port}/f"],
                                  capture_output=True, text=True, check=False, timeout=command.PATIENCE)
            self.assertEqual(done.returncode, 0, done.stderr)
            for trouble in ("Socket errors", "Non-2xx"):
                self.assertNotIn(trouble, done.stdout)
            self.assertGreater(int(re.search(r"(\d+) requests in", done.stdout).group(1)), 0, done.stdout)
            server.expect_clean_end(self)


if __name__ == "__main__":
    command.main()
