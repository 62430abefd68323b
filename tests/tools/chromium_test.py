#!/usr/bin/env python3
"""A page with a stylesheet, a script and many images, loaded from `weft serve` by Chromium without a window.

Every reply forbids the browser to guess types (nosniff), so a wrong Content-Type shows as a stylesheet that has no effect or
a script that does not run."""

import base64
import html
import json
import re
import shutil
import struct
import subprocess
import tempfile
import unittest
import zlib

import command
from command import FolderCase, Server

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==")
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP///////////////////////////////////////////////////////////////////////////////"
    "///////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA=")

SCRIPT = """addEventListener("load", () => {
  const widths = {};
  for (const image of document.images) widths[image.getAttribute("src")] = image.naturalWidth;
  const colour = getComputedStyle(document.querySelector("h1")).color;
  document.getElementById("result").textContent = JSON.stringify({widths, colour});
});
"""


def png(width, height):
    """A picture of noise-free grey rows."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes([y % 256]) * width for y in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b""))


@unittest.skipUnless(CHROMIUM, "no Chromium")
class Chromium(FolderCase):
    def load(self, url):
        with tempfile.TemporaryDirectory(prefix="weft-chromium-") as profile:
            done = subprocess.run(
                [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                 "--no-proxy-server", f"--user-data-dir={profile}", "--virtual-time-budget=60000", "--dump-dom", url],
                capture_output=True, text=True, check=False, timeout=command.PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_a_page_with_many_images_is_complete(self):
        widths = {"images/a.gif": 1, "images/b.jpg": 1, "images/c.jpeg": 1, "images/d.svg": 40}
        self.write("images/a.gif", GIF)
        self.write("images/b.jpg", JPEG)
        self.write("images/c.jpeg", JPEG)
        self.write("images/d.svg", b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><circle r="9"/></svg>')
        for i in range(24):  # more than the connections a browser makes, so these are used again
            widths[f"images/{i}.png"] = 100 + i
            self.write(f"images/{i}.png", png(100 + i, 600 if i % 6 == 0 else 3))
        self.write("style.css", b"h1 { color: rgb(1, 2, 3) }")
        self.write("script.js", SCRIPT.encode())
        self.write("index.html", ('<!DOCTYPE html><html><head><link rel="stylesheet" href="style.css">'
                                  '<script src="script.js"></script></head><body><h1>images</h1><p id="result"></p>' +
                                  "".join(f'<img src="{name}">' for name in widths) + "</body></html>").encode())
        with Server(self.folder, "--log", "off") as server:
            page = self.load(f"http://127.0.0.1:{server.port}/")
            server.expect_clean_end(self)
        found = re.search(r'<p id="result">(.+?)</p>', page)
        self.assertIsNotNone(found, page)
        result = json.loads(html.unescape(found.group(1)))
        self.assertEqual(result["widths"], widths)
        self.assertEqual(result["colour"], "rgb(1, 2, 3)")


if __name__ == "__main__":
    command.main()
