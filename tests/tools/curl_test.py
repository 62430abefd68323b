#!/usr/bin/env python3
"""`weft serve` read by curl: a client that others wrote, with its own idea of HTTP."""

import shutil
import subprocess
import unittest

import command
from command import FolderCase, Server, content_of

CURL = shutil.which("curl")


@unittest.skipUnless(CURL, "no curl")
class Curl(FolderCase):
    def setUp(self):
        super().setUp()
        self.content = content_of(3_000_001, 11)
        self.write("big.bin", self.content)
        self.write("page.html", b"<p>page")
        self.server = Server(self.folder, "--log", "off")
        self.addCleanup(self.server.__exit__)
        self.addCleanup(self.server.expect_clean_end, self)
        self.url = f"http://127.0.0.1:{self.server.port}"

    def curl(self, *arguments, code=0):
        done = subprocess.run([CURL, "-sS", "--noproxy", "*", *arguments], capture_output=True, check=False,
                              timeout=command.PATIENCE)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout

    def test_files_arrive_whole_in_both_versions(self):
        for version in ("--http1.1", "--http1.0"):
            self.assertEqual(self.curl(version, self.url + "/big.bin"), self.content)

    def test_several_files_share_a_connection(self):
        out = self.curl(self.url + "/page.html", self.url + "/big.bin", self.url + "/page.html", "-w", "%{num_connects};")
        self.assertEqual(out, b"<p>page1;" + self.content + b"0;<p>page0;")

    def test_head_and_fields_are_understood(self):
        out = self.curl("-I", self.url + "/page.html").decode()
        self.assertTrue(out.startswith("HTTP/1.1 200 OK\r\n"), out)
        self.assertIn("Content-Type: text/html; charset=utf-8\r\n", out)
        self.assertIn("Content-Length: 7\r\n", out)

    def test_an_interrupted_download_is_resumed(self):
        part = self.base / "part"
        part.write_bytes(self.content[:1_234_567])
        self.curl("-C", "-", "-o", str(part), self.url + "/big.bin")
        self.assertEqual(part.read_bytes(), self.content)
        self.assertEqual(self.curl("-r", "1000-1999", self.url + "/big.bin"), self.content[1000:2000])

    def test_a_copy_that_still_stands_is_not_sent_again(self):
        tags, copy = str(self.base / "tags"), str(self.base / "copy")
        self.curl("--etag-save", tags, "-o", copy, self.url + "/page.html")
        out = self.curl("--etag-compare", tags, "-o", copy + "2", "-w", "%{http_code}", self.url + "/page.html")
        self.assertEqual(out, b"304")

    def test_errors_redirects_and_uploads(self):
        self.curl("-f", self.url + "/absent", code=22)
        self.write("folder/index.html", b"index")
        self.assertEqual(self.curl("-L", self.url + "/folder"), b"index")
        self.assertEqual(self.curl("-d", "x=y", "-o", "/dev/null", "-w", "%{http_code}", self.url + "/"), b"405")


if __name__ == "__main__":
    command.main()
