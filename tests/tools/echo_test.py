#!/usr/bin/env python3
"""`weft echo` from outside: what goes in comes out, and it stops well."""

import shutil
import signal
import socket
import subprocess
import unittest

import command
from command import StreamCase, content_of


class Echoing(StreamCase):
    def test_the_greeting_says_where_and_how_to_stop(self):
        self.assertRegex(self.start("echo").greeting,
                         r"^listening on 127\.0\.0\.1:\d+, echoing with \d+ workers; stop with Ctrl-C$")

    def test_bytes_come_back_unchanged_and_so_does_the_end(self):
        echo = self.start("echo", "--workers", "2")
        for size in (0, 1, 16_383, 16_384, 16_385, 5_000_000):
            with echo.connect() as s:
                self.assert_given_back(s, content_of(size, size))
        counters = echo.final_counters()
        self.assertEqual((counters["connections"], counters["open"]), (6, 0))
        self.assertEqual((counters["bytes"], counters["broken"]), (5_000_000 + 3 * 16_384 + 1, 0))

    def test_unix_sockets_with_a_path_and_without(self):
        path = self.folder_for_sockets() / "s"
        for where in (f"unix:{path}", f"unix:@weft-echo-test-{path.parent.name}"):
            echo = self.start("echo", listen=where)
            self.assertEqual(echo.where, where)
            with echo.connect() as s:
                self.assert_given_back(s, content_of(300_000, 1))
            self.assertEqual(echo.final_counters()["bytes"], 300_000)
            self.assertFalse(path.exists())

    def test_a_socket_file_that_somebody_else_put_there_is_left_alone(self):
        path = self.folder_for_sockets() / "s"
        echo = self.start("echo", listen=f"unix:{path}")
        path.unlink()
        path.write_text("not ours")
        self.assertEqual(echo.stop(), 0)
        self.assertEqual(path.read_text(), "not ours")

    def test_a_thousand_connections_at_a_time(self):
        self.need_open_files(2000)
        echo = self.start("echo")
        clients = [echo.connect() for _ in range(1000)]
        for i, s in enumerate(clients):
            s.sendall(content_of(1000, i))
        for i, s in enumerate(clients):
            s.shutdown(socket.SHUT_WR)
            self.assertEqual(self.read_all(s), content_of(1000, i))
            s.close()
        counters = echo.final_counters()
        self.assertEqual((counters["connections"], counters["bytes"], counters["broken"]), (1000, 1_000_000, 0))


class Limits(StreamCase):
    def test_a_client_that_is_silent_for_too_long_is_reset(self):
        echo = self.start("echo", "--idle-timeout", "20ms")
        with echo.connect() as s:
            self.assert_reset(s)
        self.assertEqual(echo.final_counters()["idle"], 1)

    def test_connections_beyond_the_limit_wait_until_others_leave(self):
        echo = self.start("echo", "--max-connections", "2")
        first, second, third = (echo.connect() for _ in range(3))
        with first, second, third:
            for s in (first, second):
                s.sendall(b"x")
                self.assertEqual(s.recv(1), b"x")
            third.sendall(b"y")
            counters = echo.counters()
            self.assertEqual((counters["connections"], counters["open"]), (2, 2))
            first.close()
            self.assertEqual(third.recv(1), b"y")
            self.assertEqual(echo.counters()["connections"], 3)

    def test_without_descriptors_connections_wait_in_the_backlog(self):
        echo = self.start("echo", "--workers", "1")  # whose poller exists once it has served
        with echo.connect() as before:
            before.sendall(b"a")
            self.assertEqual(before.recv(1), b"a")
            release = self.hold_descriptors(echo)
            with echo.connect() as s:
                s.sendall(b"x")
                self.assertIn("no more connections for now", echo.process.stderr.readline())
                before.sendall(b"b")  # those that are there go on
                self.assertEqual(before.recv(1), b"b")
                release()
                self.assertEqual(s.recv(1), b"x")
        self.assertEqual(echo.final_counters()["connections"], 2)

    def test_clients_that_are_killed_do_no_harm(self):
        echo = self.start("echo")
        for i in range(100):
            s = echo.connect()
            s.sendall(content_of(10 * i, i))
            self.reset(s)
        with echo.connect() as s:
            self.assert_given_back(s, b"still there")
        echo.await_counters(connections=101, open=0)
        self.assertEqual((echo.stop(), echo.errors), (0, ""))


class Stopping(StreamCase):
    def test_clients_get_back_what_they_have_sent_and_then_the_end(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            echo = self.start("echo", "--grace", "1h")
            with echo.connect() as s, echo.connect() as idle:
                echo.await_counters(open=2)
                s.sendall(b"x" * 10_000)
                self.assertEqual(len(s.recv(1)), 1)  # it has arrived: it was sent as one
                echo.process.send_signal(number)
                self.assertEqual(len(self.read_all(s)), 9_999)
                self.assertEqual(idle.recv(1), b"")
                self.assertEqual((echo.wait(), echo.errors), (0, ""))


class OtherClients(StreamCase):
    @unittest.skipUnless(shutil.which("socat"), "no socat")
    def test_socat(self):
        content = content_of(1_000_000, 3)
        echo = self.start("echo")
        done = subprocess.run(["socat", "-t", str(command.PATIENCE), "-", f"TCP:{echo.where}"], input=content,
                              capture_output=True, check=True, timeout=command.PATIENCE)
        self.assertTrue(done.stdout == content)

    @unittest.skipUnless(shutil.which("nc"), "no nc")
    def test_netcat_to_a_unix_socket(self):
        content = content_of(1_000_000, 4)
        echo = self.start("echo", listen=f"unix:{self.folder_for_sockets() / 's'}")
        if "-U" not in subprocess.run(["nc", "-h"], capture_output=True, text=True, check=False).stderr:
            self.skipTest("this nc knows no Unix sockets")
        done = subprocess.run(["nc", "-N", "-U", echo.where.removeprefix("unix:")], input=content, capture_output=True,
                              check=True, timeout=command.PATIENCE)
        self.assertTrue(done.stdout == content)


class Mistakes(StreamCase):
    def test_each_is_told_in_one_line(self):
        busy = self.start("echo").where
        path = self.folder_for_sockets() / "s"
        path.write_text("")
        self.assert_complaint(command.run("echo"), 2, "listen", "weft help echo")
        self.assert_complaint(command.run("echo", "here"), 1, "'here'", "127.0.0.1:7000")
        self.assert_complaint(command.run("echo", busy), 1, busy, "in use")
        self.assert_complaint(command.run("echo", f"unix:{path}"), 1, str(path), "exists")
        self.assert_complaint(command.run("echo", "unix:/absent/s"), 1, "/absent/s", "No such file")
        self.assert_complaint(command.run("echo", "192.0.2.1:0"), 1, "no address 192.0.2.1:0")
        self.assert_complaint(command.run("echo", busy, "--bogus"), 2, "--bogus", "weft help echo")
        self.assert_complaint(command.run("echo", busy, "there"), 2, "there", "weft help echo")
        self.assert_complaint(command.run("echo", busy, "--idle-timeout", "long"), 2, "long", "30s")
        self.assert_complaint(command.run("echo", busy, "--workers", "-1"), 2, "--workers")
        self.assert_complaint(command.run("echo", "127.0.0.1:0", "--max-connections", "1000000000"), 1, "ulimit")

    def test_help_names_every_flag(self):
        text = command.run("echo", "--help").stdout
        for word in ("LISTEN", "--workers", "--max-connections", "--idle-timeout", "--grace", "SIGUSR1", "unix:"):
            self.assertIn(word, text)
        self.assertEqual(command.run("help", "echo").stdout, text)


if __name__ == "__main__":
    command.main()
