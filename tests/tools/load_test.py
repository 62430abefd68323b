#!/usr/bin/env python3
"""`weft load` from outside: against `weft serve`, against servers that misbehave, and against none."""

import json
import os
import resource
import signal
import socket
import subprocess
import threading
import time
import unittest

import command
from command import FolderCase, Server

MANY = int(os.environ.get("WEFT_LOAD_CONNECTIONS", "1000"))


def load(url, *arguments):
    return command.run("load", url, "--json", *arguments)


class Against(FolderCase):
    def setUp(self):
        super().setUp()
        self.write("f", b"content")
        self.server = Server(self.folder, "--log", "off")
        self.addCleanup(self.server.__exit__)
        self.addCleanup(self.server.expect_clean_end, self)
        self.base_url = f"http://127.0.0.1:{self.server.port}"

    def test_a_good_server_has_no_errors(self):
        result = load(self.base_url + "/f", "--connections", "20", "--duration", "500ms")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        report = json.loads(result.stdout)
        self.assertEqual((report["connected"], report["failed"], report["body_bytes"]), (20, 0, 7))
        self.assertGreater(report["requests"], 20)
        self.assertEqual(report["bytes"], 7 * report["requests"])
        self.assertGreater(report["requests_per_second"], 0)
        latency = report["latency_us"]
        self.assertLessEqual(0, latency["p50"])
        self.assertLessEqual(latency["p50"], latency["p99"])
        self.assertLessEqual(latency["p99"], latency["p999"])
        self.assertLessEqual(latency["p999"], latency["max"])

    def test_the_number_of_requests_can_be_given(self):
        report = json.loads(load(self.base_url + "/f", "--connections", "7", "--requests", "1000").stdout)
        self.assertEqual(report["requests"], 1000)
        report = json.loads(load(self.base_url + "/f", "--connections", "3", "--requests", "1000", "--pipeline", "10").stdout)
        self.assertEqual((report["requests"], report["failed"]), (1000, 0))

    def test_large_bodies_are_checked(self):
        self.write("big", os.urandom(3_000_000))
        report = json.loads(load(self.base_url + "/big", "--connections", "4", "--requests", "40").stdout)
        self.assertEqual((report["requests"], report["failed"], report["bytes"]), (40, 0, 40 * 3_000_000))

    def test_many_connections_are_all_served(self):
        report = json.loads(load(self.base_url + "/f", "--connections", str(MANY), "--requests", str(MANY * 5)).stdout)
        self.assertEqual((report["connected"], report["failed"]), (MANY, 0))
        self.assertEqual(report["requests"], MANY * 5)

    def test_a_body_that_changes_is_noticed(self):
        with subprocess.Popen([command.WEFT, "load", self.base_url + "/f", "--json", "--duration", "1h", "--progress"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            process.stderr.readline()  # a second has passed
            new = self.write("new", b"CONTENT")
            new.replace(self.folder / "f")
            process.stderr.readline()
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=command.PATIENCE)
        report = json.loads(out)
        self.assertEqual(process.returncode, 1)
        self.assertGreater(report["requests"], 0)
        self.assertGreater(report["errors"]["content"], 0)

    def test_ctrl_c_ends_with_a_report(self):
        with subprocess.Popen([command.WEFT, "load", self.base_url + "/f", "--duration", "1h", "--progress"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            self.assertRegex(process.stderr.readline(), r"^weft: 1 s, \d+ responses")
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=command.PATIENCE)
        self.assertEqual(process.returncode, 0)
        for word in ("requests", "per second", "p99.9", "errors       none", "per connection"):
            self.assertIn(word, out)

    def test_a_server_that_goes_away_is_reported_by_kind(self):
        with subprocess.Popen([command.WEFT, "load", self.base_url + "/f", "--json", "--connections", "5", "--duration",
                               "1h", "--progress"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            process.stderr.readline()
            self.assertEqual(self.server.stop(), 0)
            process.stderr.readline()
            process.stderr.readline()
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=command.PATIENCE)
        report = json.loads(out)
        self.assertEqual(process.returncode, 1)
        self.assertGreater(report["requests"], 0)
        self.assertGreater(report["errors"]["connect"], 0)


class WithoutOne(unittest.TestCase):
    def assert_complaint(self, result, code, *words):
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        for word in ("weft: ", *words):
            self.assertIn(word, result.stderr)

    def test_mistakes_are_told_in_one_line(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
            self.assert_complaint(load(f"http://127.0.0.1:{port}/"), 1, "no server at", "refused")
        self.assert_complaint(load("https://example.org/"), 1, "http://host")
        self.assert_complaint(load("http://127.0.0.1/", "--connections", "0"), 2, "--connections")
        self.assert_complaint(load("http://127.0.0.1/", "--bogus"), 2, "--bogus", "weft help load")
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard != resource.RLIM_INFINITY and hard < 1_000_000:
            self.assert_complaint(load("http://127.0.0.1/", "--connections", str(hard)), 1, str(hard), "ulimit")

    def test_a_server_that_closes_every_connection_is_asked_again(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            def answer():
                while True:
                    try:
                        s, _ = listener.accept()
                    except OSError:
                        return
                    with s:
                        s.recv(4096)
                        s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            thread = threading.Thread(target=answer, daemon=True)
            thread.start()
            report = json.loads(load(f"http://127.0.0.1:{listener.getsockname()[1]}/", "--connections", "1",
                                     "--requests", "50").stdout)
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(command.PATIENCE)
        self.assertEqual((report["requests"], report["failed"], report["reconnects"]), (50, 0, 49))

    def test_a_server_that_never_answers_is_given_up(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            start = time.monotonic()
            self.assert_complaint(load(f"http://127.0.0.1:{listener.getsockname()[1]}/", "--timeout", "300ms"), 1,
                                  "did not answer", "timeout")
            self.assertLess(time.monotonic() - start, 60)

    def test_ctrl_c_ends_a_run_that_is_still_connecting(self):
        with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
            # 64 at a time, each given up after a second: all of them would take minutes.
            count = min(15_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 100)
            with subprocess.Popen([command.WEFT, "load", f"http://127.0.0.1:{listener.getsockname()[1]}/", "--json",
                                   "--connections", str(count), "--timeout", "1s", "--requests", "1"],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
                with listener.accept()[0] as first:
                    first.recv(4096)
                    first.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                    first.recv(1)  # the end of the first request, after which the connections are made
                process.send_signal(signal.SIGINT)
                try:
                    out, _ = process.communicate(timeout=command.PATIENCE)
                finally:
                    process.kill()
        self.assertEqual(process.returncode, 1)
        self.assertLess(json.loads(out)["connected"] + json.loads(out)["errors"]["connect"], count)


if __name__ == "__main__":
    command.main()
