#!/usr/bin/env python3
"""`weft serve` from outside: real sockets, real files, real signals."""

import contextlib
import hashlib
import os
import pathlib
import random
import resource
import select
import signal
import socket
import subprocess
import sys
import time
import unittest

import command
from command import FolderCase, Reply, Server, content_of, expect_end_of_held, hold_thread, threads_of


def get(target, *fields, method="GET", version="1.1"):
    lines = [f"{method} {target} HTTP/{version}", "Host: test", *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1")


class ServeCase(FolderCase):
    arguments = ("--log", "off", "--idle-timeout", "5m", "--request-timeout", "5m")  # no test waits for these

    def setUp(self):
        super().setUp()
        self.server = Server(self.folder, *self.arguments)
        self.addCleanup(self.server.__exit__)
        self.addCleanup(self.server.expect_clean_end, self)

    def exchange(self, request, head=False):
        """One request on a connection of its own."""
        with self.server.connect() as s, s.makefile("rb") as stream:
            s.sendall(request)
            return Reply(stream, head)

    def wait_until_the_server_has_closed(self, s):
        """Without reading: the state of its end, as the kernel tells it."""
        ends = [f"{int.from_bytes(socket.inet_aton(host), sys.byteorder):08X}:{port:04X}"
                for host, port in (s.getpeername(), s.getsockname())]
        deadline = time.monotonic() + command.PATIENCE
        while any(line.split()[1:4] == [*ends, "01"] for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()):
            self.assertLess(time.monotonic(), deadline, "the server has not closed the connection")
            time.sleep(0.05)

    def assert_closed(self, stream):
        self.assertEqual(stream.read(), b"")


class Content(ServeCase):
    def test_the_greeting_says_what_where_and_how_to_stop(self):
        self.assertRegex(self.server.greeting,
                         rf"^serving {self.folder} on http://127\.0\.0\.1:\d+/ with \d+ workers; stop with Ctrl-C$")

    def test_files_of_many_sizes_are_byte_identical(self):
        sizes = [0, 1, 511, 512, 4095, 65535, 65536, 65537, 131072 + 1, 1 << 20, 64 << 20]
        with self.server.connect() as s, s.makefile("rb") as stream:
            for size in sizes:
                content = content_of(size, 1)
                self.write(f"f{size}", content)
                s.sendall(get(f"/f{size}"))
                reply = Reply(stream)
                self.assertEqual(reply.status, 200)
                self.assertEqual(hashlib.sha256(reply.body).digest(), hashlib.sha256(content).digest(), size)

    def sparse_file_beyond_4_gib(self):
        """Bytes that differ everywhere at the front, around the borders of 31 and 32 bits and at the end; zeros between."""
        size = (4 << 30) + 300_007
        blocks = [(offset, content_of(200_003, offset)) for offset in (0, (2 << 30) - 100_001, (4 << 30) - 100_001)]
        blocks.append((size - 50_000, content_of(50_000, 5)))
        with open(self.write("huge"), "r+b") as f:
            f.truncate(size)
            for offset, block in blocks:
                f.seek(offset)
                f.write(block)
        zeros = bytes(1 << 20)

        def expected(first, length):
            out = bytearray(zeros[:length]) if any(o < first + length and first < o + len(b) for o, b in blocks) else None
            if out is None:
                return zeros[:length]
            for o, b in blocks:
                begin, end = max(o, first), min(o + len(b), first + length)
                if begin < end:
                    out[begin - first:end - first] = b[begin - o:end - o]
            return bytes(out)
        return size, expected

    def test_a_file_beyond_4_gib_arrives_byte_for_byte(self):
        size, expected = self.sparse_file_beyond_4_gib()
        with self.server.connect(SO_RCVBUF=4 << 20) as s, s.makefile("rb", buffering=1 << 20) as stream:
            s.sendall(get("/huge", "Connection: close"))
            self.assertEqual(stream.readline(), b"HTTP/1.1 200 OK\r\n")
            while stream.readline() != b"\r\n":
                pass
            at, room = 0, bytearray(1 << 20)
            while n := stream.readinto(room):
                if room[:n] != expected(at, n):
                    self.fail(f"wrong bytes between {at} and {at + n}")
                at += n
        self.assertEqual(at, size)

    def test_ranges_of_a_file_beyond_4_gib_are_cut_where_they_are_asked_for(self):
        size, expected = self.sparse_file_beyond_4_gib()
        self.assertEqual(self.exchange(get("/huge", method="HEAD"), head=True).fields["content-length"], str(size))
        with self.server.connect() as s, s.makefile("rb") as stream:
            for first in (0, (2 << 30) - 150_000, (2 << 30) - 1, 2 << 30, (4 << 30) - 150_000, (4 << 30) - 1, 4 << 30,
                          size - 60_000):
                last = min(first + 270_000, size) - 1
                s.sendall(get("/huge", f"Range: bytes={first}-{last}"))
                reply = Reply(stream)
                self.assertEqual((reply.status, reply.fields["content-range"]), (206, f"bytes {first}-{last}/{size}"))
                self.assertTrue(reply.body == expected(first, last + 1 - first), first)
            s.sendall(get("/huge", "Range: bytes=-4"))
            reply = Reply(stream)
            self.assertEqual((reply.body, reply.fields["content-range"]),
                             (expected(size - 4, 4), f"bytes {size - 4}-{size - 1}/{size}"))

    def test_a_file_that_shrinks_under_way_ends_the_connection_early(self):
        size = 64 << 20
        content = content_of(size, 6)
        for left in (0, 1000, size // 2):
            path = self.write("shrinking", content)
            with self.server.connect(SO_RCVBUF=64 << 10) as s, s.makefile("rb", buffering=1 << 16) as stream:
                s.sendall(get("/shrinking") + get("/shrinking"))
                while (line := stream.readline()) != b"\r\n":
                    self.assertNotEqual(line, b"")
                os.truncate(path, left)  # the server has far from everything in its buffers
                got = 0
                while piece := stream.read(1 << 16):
                    got += len(piece)
                    self.assertLess(got, size)

    def test_images_have_their_types(self):
        types = {"png": "png", "jpg": "jpeg", "JPEG": "jpeg", "gif": "gif", "svg": "svg+xml", "webp": "webp", "avif": "avif",
                 "apng": "apng", "bmp": "bmp", "ico": "vnd.microsoft.icon", "tif": "tiff", "tiff": "tiff", "jxl": "jxl"}
        with self.server.connect() as s, s.makefile("rb") as stream:
            for extension, kind in types.items():
                content = content_of(5000, len(extension))
                self.write(f"images/a.{extension}", content)
                s.sendall(get(f"/images/a.{extension}"))
                reply = Reply(stream)
                self.assertEqual((reply.status, reply.fields["content-type"]), (200, "image/" + kind))
                self.assertEqual(reply.fields["x-content-type-options"], "nosniff")
                self.assertEqual(reply.body, content)

    def test_ranges_put_together_make_the_file(self):
        content = content_of(300_000, 2)
        self.write("f", content)
        got = b""
        with self.server.connect() as s, s.makefile("rb") as stream:
            for first in range(0, len(content), 70_001):
                s.sendall(get("/f", f"Range: bytes={first}-{first + 70_000}"))
                reply = Reply(stream)
                self.assertEqual(reply.status, 206)
                got += reply.body
        self.assertEqual(got, content)

    def test_unsatisfiable_ranges_get_416(self):
        self.write("f", b"0123456789")
        reply = self.exchange(get("/f", "Range: bytes=10-"))
        self.assertEqual((reply.status, reply.fields["content-range"]), (416, "bytes */10"))

    def test_head_has_the_fields_of_get_and_no_body(self):
        self.write("f.html", b"<p>hello")
        a, b = self.exchange(get("/f.html")), self.exchange(get("/f.html", method="HEAD"), head=True)
        a.fields.pop("date"), b.fields.pop("date")
        self.assertEqual(a.fields, b.fields)
        self.assertEqual(b.body, b"")

    def test_copies_that_still_stand_get_304(self):
        self.write("f", b"content")
        first = self.exchange(get("/f"))
        self.assertEqual(self.exchange(get("/f", "If-None-Match: " + first.fields["etag"])).status, 304)
        self.assertEqual(self.exchange(get("/f", "If-Modified-Since: " + first.fields["last-modified"])).status, 304)
        self.write("f", b"other")
        changed = self.exchange(get("/f", "If-None-Match: " + first.fields["etag"]))
        self.assertEqual((changed.status, changed.body), (200, b"other"))

    def test_folders_are_redirected_listed_and_indexed(self):
        self.write("a/<b>&.txt", b"x")
        moved = self.exchange(get("/a?q"))
        self.assertEqual((moved.status, moved.fields["location"]), (301, "/a/?q"))
        listing = self.exchange(get("/a/"))
        self.assertIn(b'href="./%3Cb%3E&amp;.txt"', listing.body)
        self.assertNotIn(b"<b>", listing.body)
        self.write("a/index.html", b"index")
        self.assertEqual(self.exchange(get("/a/")).body, b"index")

    def test_pipelined_requests_are_answered_in_order(self):
        names = [f"n{i}" for i in range(200)]
        for name in names:
            self.write(name, name.encode() * 50)
        with self.server.connect() as s, s.makefile("rb") as stream:
            s.sendall(b"".join(get("/" + name) for name in names))
            for name in names:
                self.assertEqual(Reply(stream).body, name.encode() * 50)

    def test_http_1_0_is_answered_and_closed(self):
        self.write("f", b"content")
        with self.server.connect() as s, s.makefile("rb") as stream:
            s.sendall(b"GET /f HTTP/1.0\r\n\r\n")
            self.assertEqual(Reply(stream).body, b"content")
            self.assert_closed(stream)

    def test_a_file_without_permission_gets_403(self):
        os.chmod(self.write("f", b"secret"), 0)
        if os.access(self.folder / "f", os.R_OK):
            self.skipTest("this user may read everything")
        self.assertEqual(self.exchange(get("/f")).status, 403)


class Hostile(ServeCase):
    arguments = ("--log", "off", "--idle-timeout", "1s", "--request-timeout", "2s", "--max-header", "4k")

    def test_nothing_outside_the_folder_is_served(self):
        (self.base / "secret").write_bytes(b"SECRET")
        (self.folder / "absolute").symlink_to(self.base / "secret")
        (self.folder / "relative").symlink_to("../secret")
        (self.folder / "up").symlink_to("..")
        (self.folder / "root").symlink_to("/")
        self.write("sub/x", b"x")
        deep = "/.." * 20
        for target in ["/../secret", "/%2e%2e/secret", "/..%2fsecret", "/sub/../../secret", "/sub/%2E%2E/%2e./secret",
                       "/..\\secret", "/..%5csecret", "/absolute", "/relative", "/up/secret", "/root/etc/passwd",
                       f"{deep}/etc/passwd", "//etc/passwd", "/%252e%252e/secret", "/sub/x%00", "/%00",
                       "http://test/../secret", "../secret", "/sub//../../secret", "/.%00./secret", "/%c0%ae%c0%ae/secret"]:
            with self.subTest(target):
                reply = self.exchange(get(target))
                self.assertIn(reply.status, (400, 404))
                self.assertNotIn(b"SECRET", reply.body)
                self.assertNotIn(b"root:", reply.body)

    def test_links_swapped_under_the_server_never_lead_out(self):
        (self.base / "outside").mkdir()
        (self.base / "outside/f").write_bytes(b"SECRET")
        self.write("real/f", b"inside")
        link, spare = self.folder / "d", self.folder / "spare"
        seen = set()
        with self.server.connect() as s, s.makefile("rb") as stream:
            for i in range(500):
                spare.symlink_to("real" if i % 2 == 0 else "../outside")
                spare.replace(link)
                s.sendall(get("/d/f"))
                reply = Reply(stream)
                seen.add(reply.status)
                self.assertNotIn(b"SECRET", reply.body)
        self.assertLessEqual(seen, {200, 404})

    def test_only_regular_files_are_served(self):
        os.mkfifo(self.folder / "fifo")
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(str(self.folder / "socket"))
            for name in ("fifo", "socket"):
                self.assertEqual(self.exchange(get("/" + name)).status, 404)

    def test_methods_and_versions_are_told_apart(self):
        self.assertEqual(self.exchange(get("/", method="DELETE")).status, 405)
        self.assertEqual(self.exchange(get("/", method="DELETE")).fields["allow"], "GET, HEAD")
        self.assertEqual(self.exchange(get("/", method="BREW")).status, 501)
        self.assertEqual(self.exchange(get("/", version="2.0")).status, 505)
        self.assertEqual(self.exchange(get("/absent")).status, 404)

    def test_bad_requests_get_an_answer_and_an_end(self):
        source = random.Random(3)
        cases = {b"\r\n\r\n\r\n": 400, b"GET\r\n\r\n": 400, b"GET / HTTP/1.1\r\n\r\n": 400, b"\x16\x03\x01" * 100: 400,
                 b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: h\r\n\r\n": 414,
                 b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 5000 + b"\r\n\r\n": 431,
                 b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n": 413,
                 b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n": 400,
                 b"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n": 501,
                 bytes([255]) + source.randbytes(2000).replace(b"\n", b""): 400}
        for request, status in cases.items():
            with self.subTest(request[:40]), self.server.connect() as s, s.makefile("rb") as stream:
                s.sendall(request)
                self.assertEqual(Reply(stream).status, status)
                self.assert_closed(stream)

    def test_an_answer_survives_a_client_that_is_still_sending(self):
        with self.server.connect() as s, s.makefile("rb") as stream:
            s.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000)
            self.assertEqual(Reply(stream).status, 413)

    def test_a_slow_request_is_ended_by_its_limit(self):
        with self.server.connect() as s, s.makefile("rb") as stream:
            start = time.monotonic()
            s.setblocking(False)
            try:
                for byte in b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 1000:
                    s.send(bytes([byte]))
                    if time.monotonic() - start > command.PATIENCE:
                        self.fail("still reading")
                    time.sleep(0.1)
            except (BrokenPipeError, ConnectionResetError):
                pass
            self.assertLess(time.monotonic() - start, 60)

    def test_a_silent_connection_is_closed(self):
        with self.server.connect() as s, s.makefile("rb") as stream:
            start = time.monotonic()
            self.assert_closed(stream)
            self.assertGreater(time.monotonic() - start, 0.9)

    def test_a_client_that_does_not_read_is_closed_and_others_are_served(self):
        self.write("big", b"x" * (32 << 20))
        self.write("f", b"content")
        with self.server.connect(SO_RCVBUF=4096) as s:
            s.sendall(get("/big"))
            self.assertEqual(self.exchange(get("/f")).body, b"content")
            self.wait_until_the_server_has_closed(s)
            received = 0
            try:
                while piece := s.recv(1 << 20):
                    received += len(piece)
            except ConnectionResetError:
                pass
            self.assertLess(received, 32 << 20)

    def test_a_thousand_connections_that_come_and_go_do_no_harm(self):
        self.write("f", b"content")
        for _ in range(10):
            many = [self.server.connect() for _ in range(100)]
            for i, s in enumerate(many):
                s.sendall(get("/f")[: i % 40])
            for s in many:
                s.close()
        self.assertEqual(self.exchange(get("/f")).body, b"content")

    def test_connections_that_only_stay_leave_descriptors_for_files(self):
        self.write("f", b"content")
        few = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))}
        with Server(self.folder, "--log", "off", "--workers", "2", **few) as server, contextlib.ExitStack() as staying:
            first = staying.enter_context(server.connect())
            stream = staying.enter_context(first.makefile("rb"))
            for _ in range(300):  # more than there are descriptors
                staying.enter_context(server.connect())
            for _ in range(20):  # the server looks at the others, too, before it can answer all of these
                first.sendall(get("/f"))
                reply = Reply(stream)
                self.assertEqual((reply.status, reply.body), (200, b"content"))
            staying.close()
            server.expect_clean_end(self)

    def test_beyond_the_limit_connections_wait_until_one_leaves(self):
        self.write("f", b"content")
        with Server(self.folder, "--log", "off", "--max-connections", "2") as server:
            with server.connect():
                pass  # a place that was taken is given back
            with server.connect() as first, server.connect() as second, first.makefile("rb") as stream:
                with second.makefile("rb") as other:
                    second.sendall(get("/f"))
                    self.assertEqual(Reply(other).body, b"content")
                first.sendall(get("/f"))
                self.assertEqual(Reply(stream).body, b"content")
                with server.connect() as third, third.makefile("rb") as waiting:
                    third.sendall(get("/f"))
                    self.assertEqual(select.select([third], [], [], 0.2)[0], [], "served although there is no room")
                    second.close()
                    self.assertEqual(Reply(waiting).body, b"content")
            server.expect_clean_end(self)

    def test_a_full_server_still_stops(self):
        self.write("big", b"x" * (32 << 20))
        with Server(self.folder, "--log", "off", "--grace", "300ms", "--max-connections", "1") as server:
            with server.connect(SO_RCVBUF=4096) as s:
                s.sendall(get("/big"))
                s.recv(1)
                self.assertEqual(server.stop(), 0)


class Stopping(ServeCase):
    def test_an_idle_server_ends_at_once(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with Server(self.folder, "--log", "off", "--grace", "5m") as server:
                start = time.monotonic()
                self.assertEqual(server.stop(number), 0)
                self.assertEqual(server.errors, "")
                self.assertLess(time.monotonic() - start, 60)

    def test_idle_connections_are_closed_and_transfers_finish(self):
        content = content_of(32 << 20, 4)
        self.write("big", content)
        with self.server.connect() as idle, self.server.connect(SO_RCVBUF=65536) as busy:
            idle.sendall(get("/absent"))
            idle_stream = idle.makefile("rb")
            Reply(idle_stream)
            busy.sendall(get("/big"))
            busy_stream = busy.makefile("rb")
            self.assertEqual(busy_stream.readline(), b"HTTP/1.1 200 OK\r\n")
            self.server.process.send_signal(signal.SIGTERM)
            self.assert_closed(idle_stream)
            while busy_stream.readline() != b"\r\n":
                pass
            self.assertEqual(busy_stream.read(len(content)), content)
            self.assert_closed(busy_stream)
            with self.assertRaises(ConnectionRefusedError):
                self.server.connect()
            idle_stream.close(), busy_stream.close()
        self.assertEqual(self.server.wait(), 0)

    def test_transfers_that_do_not_finish_are_cut_after_the_grace(self):
        self.write("big", b"x" * (32 << 20))
        with Server(self.folder, "--log", "off", "--grace", "500ms") as server, server.connect(SO_RCVBUF=4096) as s:
            s.sendall(get("/big"))
            s.recv(1)
            start = time.monotonic()
            self.assertEqual(server.stop(), 0)
            self.assertGreater(time.monotonic() - start, 0.4)
            self.assertIn("1 connections were not done in time", server.errors)

    def test_a_second_signal_ends_at_once(self):
        self.write("big", b"x" * (32 << 20))
        with Server(self.folder, "--log", "off", "--grace", "1h") as server, server.connect(SO_RCVBUF=4096) as s:
            s.sendall(get("/big"))
            s.recv(1)
            server.process.send_signal(signal.SIGINT)
            # until the first one has been acted upon
            with self.assertRaises((ConnectionRefusedError, ConnectionResetError)):
                while True:
                    server.connect().close()
            self.assertEqual(server.stop(signal.SIGINT), 128 + signal.SIGINT)

    def test_a_log_that_nobody_reads_does_not_keep_the_server_from_ending(self):
        with subprocess.Popen([command.WEFT, "serve", str(self.folder), "--listen", "127.0.0.1:0"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as process:
            port = int(process.stdout.readline().split(b"http://127.0.0.1:")[1].split(b"/")[0])
            with socket.create_connection(("127.0.0.1", port), command.PATIENCE) as s, s.makefile("rb") as stream:
                for _ in range(100):  # each line is 2 KB and more, and a pipe holds 64 KiB
                    s.sendall(get("/absent", "User-Agent: " + "a" * 2000))
                    Reply(stream)
            process.send_signal(signal.SIGTERM)
            try:
                self.assertEqual(process.wait(command.PATIENCE), 0)
            finally:
                process.kill()
            self.assertIn(b"the end of the access log was not taken in time", process.stderr.read())

    def test_a_second_signal_ends_a_server_whose_disk_never_answers(self):
        """The thread that answers is held by ptrace, as a dead network file system would hold it."""
        self.write("f", b"content")
        self.write("listed/f")
        with Server(self.folder, "--log", "off", "--grace", "100ms", "--workers", "1") as server:
            before = threads_of(server.process.pid)
            with server.connect() as s, s.makefile("rb") as stream:
                s.sendall(get("/f") + get("/listed/"))  # a file out of the caches; a listing, which a thread of the pool reads
                self.assertEqual([Reply(stream).status, Reply(stream).status], [200, 200])
                pool = threads_of(server.process.pid) - before
                self.assertEqual(len(pool), 1)
                held = pool.pop()
                if not hold_thread(held):
                    self.skipTest("ptrace is not allowed here")
                try:
                    s.sendall(get("/f") + get("/listed/"))
                    self.assertEqual(Reply(stream).body, b"content")  # so the other one has been read, too
                    server.process.send_signal(signal.SIGTERM)
                    self.assertIn("1 connections were not done in time", server.process.stderr.readline())
                    self.assertIn("another signal ends the server", server.process.stderr.readline())
                    server.process.send_signal(signal.SIGTERM)
                    expect_end_of_held(held)
                except BaseException:
                    server.process.kill()
                    expect_end_of_held(held)
                    raise
            self.assertEqual(server.wait(), 128 + signal.SIGTERM)


class Logging(ServeCase):
    arguments = ()

    def test_each_request_is_one_line_on_standard_output(self):
        self.write("f", b"content")
        self.exchange(get("/f", "User-Agent: me \"quoted\"", "Referer: http://r/"))
        self.assertRegex(self.server.line(),
                         r'^127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET /f HTTP/1\.1" 200 7 '
                         r'"http://r/" "me \\x22quoted\\x22" \d+\.\d{6}$')
        self.exchange(b"rubbish\r\n\r\n")
        self.assertRegex(self.server.line(), r'"-" 400 \d+ "-" "-"')

    def test_a_log_file_has_every_line_after_the_end(self):
        self.write("f", b"content")
        log = self.base / "log"
        with Server(self.folder, "--log", str(log)) as server:
            with server.connect() as s, s.makefile("rb") as stream:
                s.sendall(get("/f") * 500)
                for _ in range(500):
                    Reply(stream)
            self.assertEqual(server.stop(), 0)
        lines = log.read_text().splitlines()
        self.assertEqual(len(lines), 500)
        self.assertTrue(all('"GET /f HTTP/1.1" 200 7' in line for line in lines))


    def test_a_hangup_lets_the_log_go_on_in_a_new_file(self):
        self.write("f", b"content")
        log, old = self.base / "log", self.base / "log.1"
        with Server(self.folder, "--log", str(log)) as server:
            with server.connect() as s, s.makefile("rb") as stream:
                s.sendall(get("/f?before") * 10)
                for _ in range(10):
                    Reply(stream)
                log.rename(old)
                server.process.send_signal(signal.SIGHUP)
                self.assertEqual(server.process.stderr.readline(), f"weft: the log goes on in {log}\n")
                s.sendall(get("/f?after") * 10)  # on the connection that was open
                for _ in range(10):
                    Reply(stream)
            self.assertEqual((server.stop(), server.errors), (0, ""))
        self.assertEqual([line.count("/f?before") for line in old.read_text().splitlines()[:9]], [1] * 9)
        both = old.read_text() + log.read_text()  # the tenth line is written after its reply, and so perhaps after the hangup
        self.assertEqual((both.count("/f?before "), both.count("/f?after ")), (10, 10))
        self.assertEqual((old.read_text().count("/f?after"), len(both.splitlines())), (0, 20))

    def test_a_log_that_cannot_be_opened_again_is_told_and_the_old_one_stays(self):
        self.write("f", b"content")
        (self.base / "logs").mkdir()
        with Server(self.folder, "--log", str(self.base / "logs" / "log")) as server:
            (self.base / "logs").rename(self.base / "moved")
            server.process.send_signal(signal.SIGHUP)
            self.assertIn("weft: the old log stays: cannot write the log", server.process.stderr.readline())
            with server.connect() as s, s.makefile("rb") as stream:
                s.sendall(get("/f"))
                self.assertEqual(Reply(stream).body, b"content")
            self.assertEqual((server.stop(), server.errors), (0, ""))
        self.assertIn("GET /f", (self.base / "moved" / "log").read_text())

    def test_a_hangup_of_a_server_without_files_of_its_own_ends_it(self):
        """As when the terminal it was started on is closed."""
        with Server(self.folder, "--log", "-", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL)) as server:
            self.assertEqual(server.stop(signal.SIGHUP), -signal.SIGHUP)


class Workers(FolderCase):
    def test_as_many_as_asked_for_serve(self):
        self.write("f", b"content")
        for asked in ("1", "3"):
            with Server(self.folder, "--log", "off", "--workers", asked) as server:
                self.assertIn(f" with {asked} workers;", server.greeting)
                with server.connect() as s, s.makefile("rb") as stream:
                    s.sendall(get("/f"))
                    self.assertEqual(Reply(stream).body, b"content")
                self.assertEqual((server.stop(), server.errors), (0, ""))


class Mistakes(ServeCase):
    def assert_complaint(self, result, code, *words):
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(result.stdout, "")
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        for word in ("weft: ", *words):
            self.assertIn(word, result.stderr)

    def test_each_is_told_in_one_line(self):
        f, busy = self.write("f"), f"127.0.0.1:{self.server.port}"
        here = str(self.folder)
        self.assert_complaint(command.run("serve", here, "--listen", busy), 1, busy, "in use", "--listen")
        self.assert_complaint(command.run("serve", str(self.base / "absent")), 1, "no folder")
        self.assert_complaint(command.run("serve", str(f)), 1, "not a folder")
        self.assert_complaint(command.run("serve", here, "--listen", "here"), 1, "'here'", "127.0.0.1:8080")
        self.assert_complaint(command.run("serve", here, "--bogus"), 2, "--bogus", "weft help serve")
        self.assert_complaint(command.run("serve"), 2, "folder", "weft help serve")
        self.assert_complaint(command.run("serve", here, "--idle-timeout", "long"), 2, "long", "30s")
        self.assert_complaint(command.run("serve", here, "--max-header", "1"), 2, "--max-header")
        for workers in ("1025", "-1", "many"):
            self.assert_complaint(command.run("serve", here, "--workers", workers), 2, "--workers", workers)
        self.assert_complaint(command.run("serve", here, "--max-connections", "-1"), 2, "--max-connections")
        self.assert_complaint(command.run("serve", here, "--max-connections", "1000000000"), 1, "ulimit", "--max-connections")
        self.assert_complaint(command.run("serve", here, "--log", "/absent/log", "--listen", "127.0.0.1:0"), 1, "/absent/log")
        self.assert_complaint(command.run(), 2, "weft help")
        self.assert_complaint(command.run("sevre"), 2, "'sevre'")
        self.assert_complaint(command.run("--bogus"), 2, "--bogus", "weft help")
        self.assert_complaint(command.run("serve", here, env={"WEFT_WORKERS": "many"}), 1, "WEFT_WORKERS")

    def test_version_and_help(self):
        self.assertRegex(command.run("--version").stdout, r"^weft \d+\.\d+\.\d+\n$")
        for arguments in (("help",), ("--help",)):
            result = command.run(*arguments)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertIn("serve", result.stdout)
        for arguments in (("help", "serve"), ("serve", "--help")):
            result = command.run(*arguments)
            self.assertEqual(result.returncode, 0)
            for word in ("--idle-timeout", "--cert", "--key", "--workers", "SIGHUP"):
                self.assertIn(word, result.stdout)


if __name__ == "__main__":
    command.main()
