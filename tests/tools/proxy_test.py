#!/usr/bin/env python3
"""`weft proxy` from outside, between clients and targets that behave and that do not."""

import contextlib
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import threading
import unittest
from unittest import mock

import command
from command import PATIENCE, StreamCase, content_of


class ProxyCase(StreamCase):
    def listening(self, address=("127.0.0.1", 0), backlog=128):
        """A target that the test itself plays."""
        s = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(address)
        s.listen(backlog)
        s.settimeout(PATIENCE)
        self.addCleanup(s.close)
        return s

    def between(self, *arguments, **options):
        """A proxy before a target played here."""
        self.target = self.listening()
        self.proxy = self.start("proxy", f"127.0.0.1:{self.target.getsockname()[1]}", *arguments, **options)

    @contextlib.contextmanager
    def pair(self):
        """Both ends of a connection through the proxy."""
        with self.proxy.connect() as client:
            end, _ = self.target.accept()
            with end:
                end.settimeout(PATIENCE)
                yield client, end


class Passing(ProxyCase):
    def test_the_greeting_says_from_where_to_where(self):
        self.between()
        self.assertRegex(self.proxy.greeting, r"^listening on 127\.0\.0\.1:\d+, passing on to 127\.0\.0\.1:\d+ with \d+ workers; "
                                              r"stop with Ctrl-C$")

    def test_bytes_arrive_unchanged_both_ways_at_the_same_time(self):
        self.between("--workers", "2")
        there, back = content_of(6_000_000, 1), content_of(5_000_001, 2)
        with self.pair() as (client, end):
            self.send_in_background(client, there)
            self.send_in_background(end, back)
            got = []
            reader = threading.Thread(target=lambda: got.append(self.read_all(end)))
            reader.start()
            self.assertTrue(self.read_all(client) == back)
            reader.join(PATIENCE)
            self.assertTrue(got == [there])
        counters = self.proxy.final_counters()
        self.assertEqual((counters["bytes to target"], counters["bytes to client"]), (len(there), len(back)))
        self.assertEqual((counters["connections"], counters["broken"], counters["cut"]), (1, 0, 0))

    def test_an_end_of_one_direction_is_passed_on_and_the_other_goes_on(self):
        self.between()
        for name in ("client", "target"):
            with self.subTest(first=name), self.pair() as ends:
                first, second = ends if name == "client" else reversed(ends)
                first.sendall(b"question")
                first.shutdown(socket.SHUT_WR)
                self.assertEqual(self.read_all(second), b"question")
                for piece in (b"a long", b" answer"):  # one by one: the direction is open, not only what was under way
                    second.sendall(piece)
                    self.assertEqual(first.recv(100), piece)
                second.shutdown(socket.SHUT_WR)
                self.assertEqual(first.recv(1), b"")
        self.proxy.await_counters(connections=2, open=0, broken=0)

    def test_tcp_and_unix_sockets_in_any_combination(self):
        folder = self.folder_for_sockets()
        echoes = [self.start("echo"), self.start("echo", listen=f"unix:{folder / 'echo'}")]
        content = content_of(400_000, 7)
        for i, echo in enumerate(echoes):
            for listen in ("127.0.0.1:0", f"unix:{folder / f'proxy{i}'}"):
                with self.subTest(listen=listen, target=echo.where):
                    proxy = self.start("proxy", echo.where, listen=listen)
                    with proxy.connect() as s:
                        self.assert_given_back(s, content)
                    self.assertEqual(proxy.final_counters()["bytes to client"], len(content))

    def test_a_name_is_looked_up(self):
        echo = self.start("echo")
        proxy = self.start("proxy", f"localhost:{echo.port}")
        with proxy.connect() as s:
            self.assert_given_back(s, b"by name")
        absent = self.start("proxy", "absent.invalid:80")
        with absent.connect() as s:
            self.assertEqual(s.recv(1), b"")
        self.assertEqual(absent.final_counters()["unreachable"], 1)
        self.assertIn("absent.invalid:80 cannot be reached", absent.errors)

    def test_a_thousand_connections_at_a_time(self):
        self.need_open_files(4000)
        echo = self.start("echo")
        proxy = self.start("proxy", echo.where)
        clients = [proxy.connect() for _ in range(1000)]
        for i, s in enumerate(clients):
            s.sendall(content_of(1000, i))
        for i, s in enumerate(clients):
            s.shutdown(socket.SHUT_WR)
            self.assertEqual(self.read_all(s), content_of(1000, i))
            s.close()
        counters = proxy.final_counters()
        self.assertEqual((counters["connections"], counters["bytes to target"], counters["bytes to client"]),
                         (1000, 1_000_000, 1_000_000))
        self.assertEqual((counters["broken"], counters["unreachable"], counters["cut"]), (0, 0, 0))


class Failing(ProxyCase):
    def test_a_target_that_is_down_is_a_close_and_one_that_comes_up_is_reached(self):
        with socket.socket() as reserved:
            reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            reserved.bind(("127.0.0.1", 0))
            address = reserved.getsockname()
            proxy = self.start("proxy", f"127.0.0.1:{address[1]}")  # bound, but nobody listens
            for _ in range(3):
                with proxy.connect() as s:
                    self.assertEqual(s.recv(1), b"")
            self.assertEqual(proxy.counters()["unreachable"], 3)
            reserved.listen()
            reserved.settimeout(PATIENCE)
            with proxy.connect() as s:
                end, _ = reserved.accept()
                with end:
                    end.sendall(b"up")
                self.assertEqual(self.read_all(s), b"up")
        self.assertEqual(proxy.stop(), 0)
        self.assertIn("cannot be reached: Connection refused", proxy.errors)
        self.assertIn("is back", proxy.errors)
        self.assertEqual(len(proxy.errors.splitlines()), 2)

    def test_a_target_that_does_not_answer_is_given_up(self):
        path = str(self.folder_for_sockets() / "s")
        self.listening(path, backlog=0)
        with socket.socket(socket.AF_UNIX) as filler:
            filler.connect(path)  # the backlog is full: later ones wait
            proxy = self.start("proxy", f"unix:{path}", "--connect-timeout", "50ms")
            with proxy.connect() as s:
                self.assertEqual(s.recv(1), b"")
            self.assertEqual(proxy.stop(), 0)
            self.assertIn("timed out", proxy.errors)

    def test_a_reset_is_passed_on_as_a_reset(self):
        self.between()
        for name in ("client", "target"):
            with self.subTest(killed=name), self.pair() as ends:
                killed, other = ends if name == "client" else reversed(ends)
                killed.sendall(b"half of a")
                self.assertEqual(other.recv(100), b"half of a")
                self.reset(killed)
                self.assert_reset(other)
        self.proxy.await_counters(open=0, broken=2)

    def test_a_side_that_has_gone_ends_the_one_that_still_sends(self):
        self.between()
        for name in ("client", "target"):
            with self.subTest(gone=name), self.pair() as ends:
                gone, other = ends if name == "client" else reversed(ends)
                gone.shutdown(socket.SHUT_WR)
                self.assertEqual(other.recv(1), b"")
                gone.close()
                with self.assertRaises((ConnectionResetError, BrokenPipeError)):
                    while True:
                        other.sendall(bytes(1 << 16))
        self.proxy.await_counters(open=0, broken=2)

    def test_peers_killed_at_any_moment_do_no_harm(self):
        self.between()
        dice = random.Random(1)
        for i in range(150):
            with self.pair() as (client, end):
                for s in (client, end):
                    s.setblocking(False)
                    with contextlib.suppress(BlockingIOError):
                        s.send(content_of(dice.choice((1, 1000, 4_000_000)), i))
                victim = dice.choice((client, end))
                if dice.random() < 0.5:
                    select.select([client, end], [], [])
                self.reset(victim)
        self.proxy.await_counters(connections=150, open=0)
        with self.pair() as (client, end):
            client.sendall(b"still there")
            self.assertEqual(end.recv(100), b"still there")
        self.assertEqual(self.proxy.stop(), 0)
        for line in self.proxy.errors.splitlines():  # one that was killed before the proxy had looked was never there
            self.assertRegex(line, r"cannot be reached: (Connection reset by peer|Broken pipe)$|is back$")


class Limits(ProxyCase):
    def test_a_connection_on_which_nothing_moves_is_reset_on_both_sides(self):
        self.between("--idle-timeout", "20ms")
        with self.pair() as (client, end):
            self.assert_reset(client)
            self.assert_reset(end)
        self.assertEqual(self.proxy.final_counters()["idle"], 1)

    def test_a_side_that_does_not_read_is_idle_too(self):
        self.between("--idle-timeout", "50ms")
        with self.pair() as (client, _):
            with self.assertRaises(ConnectionResetError):
                while True:
                    client.sendall(bytes(1 << 16))
        self.assertEqual(self.proxy.final_counters()["idle"], 1)

    def test_connections_beyond_the_limit_wait_until_others_leave(self):
        self.between("--max-connections", "1")
        with self.proxy.connect() as second:
            # Whoever came first is served first; the other one waits in the backlog.
            end, _ = self.target.accept()
            with self.proxy.connect() as third:
                third.sendall(b"third")
                second.sendall(b"second")
                self.assertEqual(end.recv(100), b"second")
                counters = self.proxy.counters()
                self.assertEqual((counters["connections"], counters["open"]), (1, 1))
                second.close()
                end.close()
                end, _ = self.target.accept()
                with end:
                    end.settimeout(PATIENCE)
                    self.assertEqual(end.recv(100), b"third")

    def test_without_descriptors_connections_wait_in_the_backlog(self):
        # A ring's accept goes by the limit of the time when it was queued, so the first connection would be taken. The one
        # worker's poller exists once it has passed something on.
        with mock.patch.dict(os.environ, WEFT_IO="epoll"):
            self.between("--workers", "1")
        with self.pair() as (client, end):
            for a, b in ((client, end), (end, client)):
                a.sendall(b"x")
                self.assertEqual(b.recv(1), b"x")
            release = self.hold_descriptors(self.proxy)
            with self.proxy.connect() as waiting:
                waiting.sendall(b"x")
                self.assertIn("no more connections for now", self.proxy.process.stderr.readline())
                client.sendall(b"goes on")
                self.assertEqual(end.recv(100), b"goes on")
                release()
                other, _ = self.target.accept()
                with other:
                    self.assertEqual(other.recv(1), b"x")


class Stopping(ProxyCase):
    def await_refusal(self):
        """Until the first signal has been acted upon."""
        with self.assertRaises((ConnectionRefusedError, ConnectionResetError)):
            while True:
                self.proxy.connect().close()

    def test_open_connections_go_on_until_they_end(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            self.between("--grace", "1h", "--max-connections", "1")  # so what is tried below is never accepted
            with self.pair() as (client, end):
                self.proxy.process.send_signal(number)
                self.await_refusal()
                client.sendall(b"a last question")
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(self.read_all(end), b"a last question")
                end.sendall(b"an answer")
                end.close()
                self.assertEqual(self.read_all(client), b"an answer")
            self.assertEqual((self.proxy.wait(), self.proxy.errors), (0, ""))

    def test_what_has_not_ended_after_the_grace_is_reset(self):
        self.between("--grace", "50ms")
        with self.pair() as (client, end):
            self.assertEqual(self.proxy.final_counters()["cut"], 1)
            self.assert_reset(client)
            self.assert_reset(end)
        self.assertIn("1 connections did not end in time", self.proxy.errors)

    def test_a_connection_that_waits_for_its_target_is_cut_too(self):
        path = str(self.folder_for_sockets() / "s")
        self.listening(path, backlog=0)
        with socket.socket(socket.AF_UNIX) as filler:
            filler.connect(path)
            proxy = self.start("proxy", f"unix:{path}", "--connect-timeout", "1h", "--grace", "20ms")
            with proxy.connect():
                proxy.await_counters(open=1)
                self.assertEqual(proxy.final_counters()["cut"], 1)

    def test_a_second_signal_ends_at_once(self):
        self.between("--grace", "1h", "--max-connections", "1")
        with self.pair():
            self.proxy.process.send_signal(signal.SIGINT)
            self.await_refusal()
            self.assertEqual(self.proxy.stop(signal.SIGTERM), 128 + signal.SIGTERM)


class OtherPrograms(ProxyCase):
    @unittest.skipUnless(shutil.which("socat"), "no socat")
    def test_socat_on_both_sides(self):
        content = content_of(2_000_000, 3)
        path = self.folder_for_sockets() / "s"
        with subprocess.Popen(["socat", f"UNIX-LISTEN:{path},fork", "EXEC:cat"]) as target:
            try:
                proxy = self.start("proxy", f"unix:{path}")
                while not path.exists():
                    self.assertIsNone(target.poll())
                done = subprocess.run(["socat", "-t", str(PATIENCE), "-", f"TCP:{proxy.where}"], input=content,
                                      capture_output=True, check=True, timeout=PATIENCE)
                self.assertTrue(done.stdout == content)
            finally:
                target.terminate()


class Mistakes(ProxyCase):
    def test_each_is_told_in_one_line(self):
        here, there = "127.0.0.1:0", "127.0.0.1:1"
        self.assert_complaint(command.run("proxy"), 2, "listen", "weft help proxy")
        self.assert_complaint(command.run("proxy", here), 2, "target", "weft help proxy")
        for target in ("there", "127.0.0.1", "127.0.0.1:0", ":80", "host:", "a:b:c", "http://host:80", "[::1:80", "unix:"):
            self.assert_complaint(command.run("proxy", here, target), 1, f"'{target}' is not a target", "db.example:5432")
        self.assert_complaint(command.run("proxy", "here", there), 1, "'here'", "127.0.0.1:7000")
        self.assert_complaint(command.run("proxy", here, there, "--bogus"), 2, "--bogus")
        self.assert_complaint(command.run("proxy", here, there, "--connect-timeout", "0"), 2, "'0'", "30s")
        self.assert_complaint(command.run("proxy", here, there, "--max-connections", "1000000000"), 1, "ulimit")

    def test_help_names_every_flag(self):
        text = command.run("proxy", "--help").stdout
        for word in ("LISTEN", "TARGET", "--workers", "--max-connections", "--connect-timeout", "--idle-timeout", "--grace",
                     "SIGUSR1"):
            self.assertIn(word, text)


if __name__ == "__main__":
    command.main()
