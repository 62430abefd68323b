#!/usr/bin/env python3
"""`weft serve --cert --key` with other people's TLS: curl, openssl s_client and Python's own.

environment: WEFT_TLS: 1 if the command was built with TLS, else 0
"""

import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import unittest

import command
from certificates import OPENSSL, Authority, openssl
from command import FolderCase, Reply, Server, content_of

CURL = shutil.which("curl")
WITH_TLS = os.environ.get("WEFT_TLS", "1") == "1"
REQUEST = b"GET /page.html HTTP/1.1\r\nHost: localhost\r\n\r\n"


class SecureServer(Server):
    """Also says what the server has remarked on standard error."""

    def __init__(self, folder, issued, *arguments, **options):
        super().__init__(folder, *issued.flags, *arguments, **options)

    def port_in(self, greeting):
        return int(greeting.split("https://127.0.0.1:")[1].split("/")[0])

    def remark(self):
        return self.process.stderr.readline().rstrip("\n")

    def reload(self):
        """SIGHUP, and what comes of it."""
        self.process.send_signal(signal.SIGHUP)
        return self.remark()


@unittest.skipUnless(WITH_TLS, "the command was built without TLS")
@unittest.skipUnless(OPENSSL, "no openssl command")
class SecureCase(FolderCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="weft-certificates-")
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.authority = Authority(cls.temporary.name)
        cls.good = cls.authority.issue("good")

    def setUp(self):
        super().setUp()
        self.write("page.html", b"<p>page")

    def start(self, issued=None, *arguments, log="off", **options):
        server = SecureServer(self.folder, issued or self.good, "--log", log, *arguments, **options)
        self.addCleanup(server.__exit__)
        self.addCleanup(server.expect_clean_end, self)
        return server

    def client_settings(self):
        settings = ssl.create_default_context(cafile=self.authority.trust)
        settings.set_alpn_protocols(["http/1.1"])
        return settings

    def connect(self, server, settings=None):
        plain = server.connect()
        self.addCleanup(plain.close)
        secure = (settings or self.client_settings()).wrap_socket(plain, server_hostname="localhost",
                                                                  suppress_ragged_eofs=False)
        self.addCleanup(secure.close)
        return secure

    def page_on(self, connection):
        connection.sendall(REQUEST)
        with connection.makefile("rb") as stream:
            return Reply(stream).body


@unittest.skipUnless(CURL, "no curl")
class Curl(SecureCase):
    def curl(self, server, path, *arguments, host="127.0.0.1", trust=True, code=0):
        trusted = ("--cacert", self.authority.trust) if trust is True else ("--cacert", trust) if trust else ()
        done = subprocess.run([CURL, "-sS", "--noproxy", "*", "--http1.1", *trusted, *arguments,
                               f"https://{host}:{server.port}{path}"], capture_output=True, check=False,
                              timeout=command.PATIENCE)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout

    def test_a_good_certificate_is_accepted_by_name_and_by_address(self):
        server = self.start()
        self.assertRegex(server.greeting, r" on https://127\.0\.0\.1:\d+/ with \d+ workers; stop with Ctrl-C$")
        self.assertEqual(self.curl(server, "/page.html"), b"<p>page")
        resolve = ("--resolve", f"localhost:{server.port}:127.0.0.1")
        self.assertEqual(self.curl(server, "/page.html", *resolve, host="localhost"), b"<p>page")
        for version in ("--http1.0", "--tlsv1.3", "--tls-max=1.2"):
            self.assertEqual(self.curl(server, "/page.html", *version.split("=")), b"<p>page")

    def test_an_expired_certificate_is_refused(self):
        server = self.start(self.authority.issue("expired", dates=("20200101000000Z", "20210101000000Z")))
        self.curl(server, "/page.html", code=60)

    def test_a_certificate_for_another_host_is_refused(self):
        server = self.start(self.authority.issue("elsewhere", alternatives="DNS:elsewhere.example"))
        self.curl(server, "/page.html", code=60)
        resolve = ("--resolve", f"elsewhere.example:{server.port}:127.0.0.1")
        self.assertEqual(self.curl(server, "/page.html", *resolve, host="elsewhere.example"), b"<p>page")

    def test_a_self_signed_certificate_is_good_for_those_who_have_it(self):
        own = self.authority.self_signed("own")
        server = self.start(own)
        self.curl(server, "/page.html", trust=None, code=60)
        self.assertEqual(self.curl(server, "/page.html", trust=str(own.chain)), b"<p>page")

    def test_the_chain_in_the_file_is_shown(self):
        chained = self.authority.issue("chained")
        chained.chain.write_bytes(chained.chain.read_bytes() + pathlib.Path(self.authority.trust).read_bytes())
        server = self.start(chained)
        out = openssl("s_client", "-connect", f"127.0.0.1:{server.port}", "-showcerts", input=b"")
        self.assertEqual(out.count(b"BEGIN CERTIFICATE"), 2)

    def test_large_files_and_ranges_arrive_byte_for_byte(self):
        content = content_of(5_000_011, 3)
        self.write("big.bin", content)
        server = self.start()
        self.assertTrue(self.curl(server, "/big.bin") == content)
        for first, last in ((0, 0), (16_383, 16_384), (1_000_000, 3_999_999), (5_000_000, 5_000_010)):
            self.assertTrue(self.curl(server, "/big.bin", "-r", f"{first}-{last}") == content[first:last + 1], first)
        part = self.base / "part"
        part.write_bytes(content[:1_234_567])
        self.curl(server, "/big.bin", "-C", "-", "-o", str(part))
        self.assertTrue(part.read_bytes() == content)

    def test_two_requests_share_one_connection_and_its_handshake(self):
        server = self.start()
        url = f"https://127.0.0.1:{server.port}/page.html"
        out = self.curl(server, "/page.html", url, "-w", "%{num_connects};")
        self.assertEqual(out, b"<p>page1;<p>page0;")


class Handshakes(SecureCase):
    def s_client(self, server, *arguments, check=True):
        return subprocess.run([OPENSSL, "s_client", "-connect", f"127.0.0.1:{server.port}", "-CAfile", self.authority.trust,
                               "-verify_return_error", *arguments], input="", capture_output=True, text=True,
                              timeout=command.PATIENCE, check=check)

    def test_s_client_agrees_on_http_1_1(self):
        server = self.start()
        out = self.s_client(server, "-alpn", "h2,http/1.1").stdout
        self.assertIn("ALPN protocol: http/1.1", out)
        self.assertIn("Verify return code: 0 (ok)", out)
        self.assertIn("No ALPN negotiated", self.s_client(server).stdout)
        self.assertNotEqual(self.s_client(server, "-alpn", "h2", check=False).returncode, 0)

    def test_versions_that_are_broken_are_refused(self):
        server = self.start()
        refused = self.s_client(server, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0", check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertEqual(self.page_on(self.connect(server)), b"<p>page")

    def test_a_session_is_resumed(self):
        server, settings = self.start(), self.client_settings()
        settings.maximum_version = ssl.TLSVersion.TLSv1_2  # whose ticket comes with the handshake
        first = self.connect(server, settings)
        self.assertFalse(first.session_reused)
        again = server.connect()
        self.addCleanup(again.close)
        with settings.wrap_socket(again, server_hostname="localhost", session=first.session) as second:
            self.assertTrue(second.session_reused)
            self.assertEqual(self.page_on(second), b"<p>page")

    def test_plain_http_ends_and_is_remarked_on_for_who_asks(self):
        server = self.start(None, env={**os.environ, "WEFT_LOG": "debug"})
        with server.connect() as s:
            s.sendall(REQUEST + b"x" * 100_000)  # also with input that nobody reads: an end, and no reset
            s.shutdown(socket.SHUT_WR)
            self.assertNotIn(b"HTTP", b"".join(iter(lambda: s.recv(1000), b"")))
        self.assertRegex(self.handshake_remark(server), r"with 127\.0\.0\.1 failed: .* \(1 so far\)$")
        self.assertEqual(self.page_on(self.connect(server)), b"<p>page")
        with server.connect() as s:
            s.sendall(b"\x16\x03\x01\x00\x05hello")
        self.assertRegex(self.handshake_remark(server), r"\(2 so far\)$")
        self.assertEqual(server.stop(), 0)

    @staticmethod
    def handshake_remark(server):
        """The next one: the library remarks on other things, too."""
        while "a TLS handshake" not in (line := server.remark()):
            if not line:
                raise EOFError("the server has ended")
        return line

    def test_what_fails_is_nobody_elses_business(self):
        """Standard error stays empty, which is looked at when the server ends."""
        server = self.start()
        for rubbish in (b"", b"\x16", REQUEST, os.urandom(2000), b"\x16\x03\x01\xff\xff" + bytes(70_000)):
            with server.connect() as s:
                s.sendall(rubbish)
                s.shutdown(socket.SHUT_WR)
                try:
                    while s.recv(1000):
                        pass
                except ConnectionResetError:
                    pass  # when there was more than is read of who is not understood
        self.assertEqual(self.page_on(self.connect(server)), b"<p>page")

    def test_silent_clients_are_closed_at_each_limit(self):
        for limits in (("--idle-timeout", "5m", "--request-timeout", "200ms"),
                       ("--idle-timeout", "200ms", "--request-timeout", "5m")):
            server = self.start(None, *limits)
            with server.connect() as silent, server.connect() as half:
                half.sendall(b"\x16\x03\x01")
                self.assertEqual((silent.recv(1), half.recv(1)), (b"", b""))

    def test_handshakes_that_do_not_go_on_keep_nobody_waiting(self):
        server = self.start(None, "--idle-timeout", "5m", "--request-timeout", "5m", "--workers", "1")
        silent = [server.connect() for _ in range(20)]
        for s in silent:
            self.addCleanup(s.close)
            s.sendall(b"\x16\x03\x01")
        self.assertEqual(self.page_on(self.connect(server)), b"<p>page")

    def test_a_handshake_byte_by_byte_ends_at_the_limit_of_a_request(self):
        server = self.start(None, "--idle-timeout", "5m", "--request-timeout", "300ms")
        with server.connect() as s:
            hello = b"\x16\x03\x01\x40\x00" + bytes(100_000)
            with self.assertRaises((BrokenPipeError, ConnectionResetError)):
                for byte in hello:
                    s.sendall(bytes((byte,)))
                    s.settimeout(0.005)
                    try:
                        if s.recv(1) == b"":
                            raise ConnectionResetError
                    except TimeoutError:
                        pass
                    s.settimeout(command.PATIENCE)


    def test_a_record_that_comes_byte_by_byte_is_not_waited_for_beyond_the_limits(self):
        for begun, limited, other in ((b"", "--idle-timeout", "--request-timeout"),
                                      (b"GET / HT", "--request-timeout", "--idle-timeout")):
            for limit in ("1s", "5s", "30s"):  # a handshake has as long: on a busy machine the first may be too short
                server = self.start(None, limited, limit, other, "5m")
                try:
                    connection = self.connect(server)
                    connection.sendall(begun)
                except (ssl.SSLError, ConnectionError):
                    continue
                self.assert_closed_meanwhile(connection, b"\x17\x03\x03\x40\x00" + bytes(16_000))
                break
            else:
                self.fail("no handshake in 30 seconds")

    def assert_closed_meanwhile(self, connection, record):
        with socket.socket(fileno=os.dup(connection.fileno())) as raw:
            raw.settimeout(0.005)
            for byte in record:
                try:
                    raw.sendall(bytes((byte,)))
                    while raw.recv(1000):
                        pass
                    return
                except TimeoutError:
                    pass
                except ConnectionError:
                    return
        self.fail("the server waits for a record without end")


class Endings(SecureCase):
    """suppress_ragged_eofs=False: Python raises when the end of the connection comes without a close_notify."""

    def assert_clean_end(self, connection):
        self.assertEqual(connection.recv(1), b"")

    def test_the_end_is_told_after_the_last_request(self):
        server = self.start()
        connection = self.connect(server)
        connection.sendall(REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        with connection.makefile("rb") as stream:
            self.assertEqual(Reply(stream).body, b"<p>page")
        self.assert_clean_end(connection)

    def test_the_end_is_told_to_the_idle(self):
        for limit in ("200ms", "2s", "20s"):  # a handshake has as long: on a busy machine the first may be too short
            server = self.start(None, "--idle-timeout", limit)
            try:
                connection = self.connect(server)
            except (ssl.SSLError, ConnectionError):
                continue
            self.assert_clean_end(connection)
            return
        self.fail("no handshake in 20 seconds")

    def test_the_end_is_told_by_a_stop(self):
        server = self.start()
        used, fresh = self.connect(server), self.connect(server)
        self.assertEqual((self.page_on(used), self.page_on(fresh)), (b"<p>page", b"<p>page"))
        self.assertEqual(server.stop(), 0)
        self.assert_clean_end(used)
        self.assert_clean_end(fresh)

    def test_a_client_that_ends_is_answered_with_an_end(self):
        server = self.start()
        connection = self.connect(server)
        self.assertEqual(self.page_on(connection), b"<p>page")
        connection.unwrap().close()  # sends a close_notify and waits for the server's

    def test_a_stop_does_not_wait_for_handshakes(self):
        server = self.start(None, "--idle-timeout", "5m", "--request-timeout", "5m", "--grace", "5m")
        with server.connect() as silent, server.connect() as half:
            half.sendall(b"\x16\x03\x01")
            self.assertEqual(self.page_on(self.connect(server)), b"<p>page")  # so both have been accepted
            self.assertEqual((server.stop(), server.errors), (0, ""))
            self.assertEqual(silent.recv(1), b"")

    def test_a_file_that_shrinks_under_way_is_no_clean_file(self):
        path = self.write("shrinking", content_of(8 << 20, 4))
        server = self.start()
        plain = socket.socket()
        self.addCleanup(plain.close)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        plain.settimeout(command.PATIENCE)
        plain.connect(("127.0.0.1", server.port))
        with self.client_settings().wrap_socket(plain, server_hostname="localhost") as connection:
            connection.sendall(REQUEST.replace(b"page.html", b"shrinking"))
            first = connection.recv(1 << 14)
            self.assertIn(b"Content-Length: 8388608", first)
            os.truncate(path, 1000)
            got = len(first) + sum(len(piece) for piece in iter(lambda: connection.recv(1 << 16), b""))
            self.assertLess(got, 8 << 20)


class Reloads(SecureCase):
    def shown_by(self, server):
        with self.connect(server) as connection:
            return "serial=" + connection.getpeercert()["serialNumber"]

    def test_a_new_certificate_is_shown_to_new_connections_while_an_open_one_goes_on(self):
        own, new = self.authority.issue("own"), self.authority.issue("new")
        server = self.start(own)
        before = own.serial()
        open_before = self.connect(server)
        self.assertEqual(self.page_on(open_before), b"<p>page")
        self.assertEqual(self.shown_by(server), before)
        own.replace_by(new)
        self.assertIn(f"new connections see the certificate now in {own.chain}", server.reload())
        self.assertNotEqual(new.serial(), before)
        self.assertEqual(self.shown_by(server), new.serial())
        self.assertEqual(self.page_on(open_before), b"<p>page")
        self.assertEqual((server.stop(), server.errors), (0, ""))

    def test_a_broken_certificate_is_told_and_the_old_one_stays(self):
        own, other = self.authority.issue("kept"), self.authority.issue("other")
        server = self.start(own)
        before = own.serial()
        chain, key = own.chain.read_bytes(), own.key.read_bytes()
        for what, (new_chain, new_key) in {
                "no certificate": (b"rubbish", key),
                "no private key": (chain, b""),
                "is not the key": (other.chain.read_bytes(), key),
        }.items():
            own.chain.write_bytes(new_chain)
            own.key.write_bytes(new_key)
            said = server.reload()
            self.assertIn("weft: the old certificate stays: ", said)
            self.assertIn(what, said)
            self.assertEqual(self.shown_by(server), before)
        own.key.unlink()
        self.assertIn("cannot read", server.reload())
        self.assertEqual(self.shown_by(server), before)
        own.replace_by(other)
        self.assertIn("new connections", server.reload())
        self.assertEqual(self.shown_by(server), other.serial())
        self.assertEqual((server.stop(), server.errors), (0, ""))


@unittest.skipUnless(OPENSSL, "no openssl command")
@unittest.skipUnless(WITH_TLS, "the command was built without TLS")
class Mistakes(SecureCase):
    def assert_complaint(self, flags, code, *words):
        done = command.run("serve", str(self.folder), "--listen", "127.0.0.1:0", *map(str, flags))
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for word in ("weft: ", *map(str, words)):
            self.assertIn(word, done.stderr)

    def test_each_is_told_in_one_line(self):
        good, other = self.good, self.authority.issue("another")
        encrypted, absent = self.base / "encrypted", self.base / "absent"
        openssl("pkey", "-in", good.key, "-aes128", "-passout", "pass:secret", "-out", encrypted)
        self.assert_complaint(("--cert", good.chain), 2, "--cert", "--key", "weft help serve")
        self.assert_complaint(("--key", good.key), 2, "--key", "--cert")
        self.assert_complaint(("--cert", "", "--key", good.key), 2, "--cert", "file")
        self.assert_complaint(("--cert", absent, "--key", good.key), 1, "--cert", absent, "No such file")
        self.assert_complaint(("--cert", good.chain, "--key", absent), 1, "--key", absent, "No such file")
        self.assert_complaint(("--cert", self.base, "--key", good.key), 1, "--cert", self.base, "directory")
        self.assert_complaint(("--cert", good.key, "--key", good.key), 1, "--cert", "no certificate in")
        self.assert_complaint(("--cert", good.chain, "--key", good.chain), 1, "--key", "no private key in")
        self.assert_complaint(("--cert", good.chain, "--key", other.key), 1, other.key, "is not the key", good.chain)
        self.assert_complaint(("--cert", good.chain, "--key", encrypted), 1, encrypted, "encrypted", "openssl pkey")
        damaged = self.base / "damaged"
        damaged.write_bytes(good.chain.read_bytes().replace(b"A", b"!", 40))
        self.assert_complaint(("--cert", damaged, "--key", good.key), 1, "--cert", damaged)
        unreadable = self.base / "unreadable"
        unreadable.write_bytes(good.key.read_bytes())
        unreadable.chmod(0)
        if not os.access(unreadable, os.R_OK):  # there is a user who may read everything
            self.assert_complaint(("--cert", good.chain, "--key", unreadable), 1, unreadable, "ermission")


@unittest.skipIf(WITH_TLS, "the command was built with TLS")
class Without(FolderCase):
    def test_the_flags_say_what_to_install(self):
        done = command.run("serve", str(self.folder), "--listen", "127.0.0.1:0", "--cert", "c.pem", "--key", "k.pem")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        for word in ("weft: ", "--cert", "without TLS", "libssl-dev"):
            self.assertIn(word, done.stderr)


if __name__ == "__main__":
    command.main()
