#!/usr/bin/env python3
"""TLS with other people's programs: the examples tls_client and tls_echo against openssl s_client, s_server and curl.

environment: TLS_CLIENT, TLS_ECHO: the examples
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

OPENSSL, CURL = shutil.which("openssl"), shutil.which("curl")
CLIENT, ECHO = os.environ["TLS_CLIENT"], os.environ["TLS_ECHO"]
PATIENCE = 60  # seconds before something counts as hanging


def openssl(*arguments):
    subprocess.run([OPENSSL, *arguments], check=True, capture_output=True, timeout=PATIENCE)


class Certificates:
    """An authority and what it signs, in a folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.authority = self.folder / "authority.pem"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=authority",
                "-days", "1", "-keyout", str(self.folder / "authority.key"), "-out", str(self.authority))

    def issue(self, name, subject, key="ec"):
        key_options = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["rsa:2048"]}[key]
        paths = {what: str(self.folder / f"{name}.{what}") for what in ("pem", "key", "csr", "ext")}
        openssl("req", "-newkey", *key_options, "-nodes", "-subj", f"/CN={subject}", "-keyout", paths["key"], "-out", paths["csr"])
        pathlib.Path(paths["ext"]).write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", paths["csr"], "-CA", str(self.authority), "-CAkey", str(self.folder / "authority.key"),
                "-CAcreateserial", "-days", "1", "-extfile", paths["ext"], "-out", paths["pem"])
        return paths["pem"], paths["key"]


@unittest.skipUnless(OPENSSL, "no openssl command")
class Interop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="weft-tls-")
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.certificates = Certificates(cls.temporary.name)
        cls.own = cls.certificates.issue("server", "localhost")

    def start(self, *arguments, **options):
        process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=PATIENCE)

    def echo(self, own=None):
        """The example server; (process, port)."""
        server = self.start(ECHO, *(own or self.own))
        return server, int(server.stdout.readline())

    def s_client(self, port, text, *arguments):
        return subprocess.run([OPENSSL, "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost", "-CAfile",
                               str(self.certificates.authority), "-verify_return_error", *arguments],
                              input=text, capture_output=True, timeout=PATIENCE, check=False)

    def one_line(self, port, *arguments):
        """What openssl s_client gets back for a line, with what it says of the connection."""
        client = self.start(OPENSSL, "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", str(self.certificates.authority),
                            "-verify_return_error", *arguments)
        client.stdin.write(b"a line to be echoed\n")
        client.stdin.flush()
        said = b""
        while b"a line to be echoed" not in said:
            line = client.stdout.readline()
            if not line:
                self.fail(said.decode() + client.stderr.read().decode())
            said += line
        client.stdin.close()
        client.stdin = None
        return (said + client.communicate(timeout=PATIENCE)[0]).decode()

    def test_s_client_is_served_in_both_versions(self):
        _, port = self.echo()
        for option, version in (("-tls1_3", "TLSv1.3"), ("-tls1_2", "TLSv1.2")):
            said = self.one_line(port, option)
            self.assertIn(version, said)
            self.assertIn("Verify return code: 0 (ok)", said)

    def test_s_client_is_served_with_a_key_of_rsa(self):
        _, port = self.echo(self.certificates.issue("rsa", "localhost", "rsa"))
        self.assertIn("Verify return code: 0 (ok)", self.one_line(port))

    def test_older_versions_are_refused(self):
        _, port = self.echo()
        done = self.s_client(port, b"", "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
        self.assertNotEqual(done.returncode, 0)

    def test_s_client_resumes_its_session(self):
        _, port = self.echo()
        for option in ("-tls1_3", "-tls1_2"):
            kept = str(self.certificates.folder / "session")
            self.assertIn("New, ", self.one_line(port, option, "-sess_out", kept))
            self.assertIn("Reused, ", self.one_line(port, option, "-sess_in", kept))

    def test_a_certificate_is_reloaded_while_an_old_connection_goes_on(self):
        names = self.certificates.issue("changing", "first")
        server, port = self.echo(names)
        old = self.start(OPENSSL, "s_client", "-quiet", "-connect", f"127.0.0.1:{port}")
        old.stdin.write(b"before\n")
        old.stdin.flush()
        self.assertEqual(old.stdout.readline(), b"before\n")
        self.certificates.issue("changing", "second")
        server.send_signal(signal.SIGHUP)
        self.assertEqual(server.stdout.readline(), b"reloaded\n")
        self.assertIn("CN = second", self.one_line(port))
        old.stdin.write(b"after\n")
        old.stdin.flush()
        self.assertEqual(old.stdout.readline(), b"after\n")
        pathlib.Path(names[0]).write_text("spoiled")
        server.send_signal(signal.SIGHUP)
        self.assertIn(b"no certificate", server.stdout.readline())
        self.assertIn("CN = second", self.one_line(port))

    def test_the_server_ends_well(self):
        server, port = self.echo()
        self.one_line(port)
        out, errors = server.communicate(timeout=PATIENCE)
        self.assertEqual((server.returncode, out, errors), (0, b"", b""))

    @unittest.skipUnless(CURL, "no curl")
    def test_curl_is_served_and_told_what_it_does_not_trust(self):
        _, port = self.echo()
        url = f"https://localhost:{port}/path"
        curl = [CURL, "-sS", "--noproxy", "*", "--http0.9", "--http1.1", "-N", "--resolve", f"localhost:{port}:127.0.0.1"]
        good = self.start(*curl, "--cacert", str(self.certificates.authority), url)
        self.assertEqual(good.stdout.readline(), b"GET /path HTTP/1.1\r\n")  # its own words: the server echoes
        bad = subprocess.run([*curl, url], capture_output=True, timeout=PATIENCE, check=False)
        self.assertEqual(bad.returncode, 60, bad.stderr)

    # ---- our client --------------------------------------------------------------------------------------------------

    def s_server(self, *arguments):
        """openssl s_server that serves pages; its port."""
        server = self.start(OPENSSL, "s_server", "-accept", "127.0.0.1:0", "-cert", self.own[0], "-key", self.own[1], "-www",
                            *arguments)
        for line in server.stdout:
            if line.startswith(b"ACCEPT "):
                return int(line.split(b":")[-1])
        self.fail(server.stderr.read().decode())

    def client(self, port, host="localhost", trust=None):
        return subprocess.run([CLIENT, host, str(port), "/", trust or str(self.certificates.authority)], capture_output=True,
                              timeout=PATIENCE, check=False)

    def test_our_client_reads_a_page_of_s_server(self):
        for option, version in (("-tls1_3", "TLSv1.3"), ("-tls1_2", "TLSv1.2")):
            done = self.client(self.s_server(option))
            self.assertIn(f"{version}, ".encode(), done.stderr)
            self.assertIn(b"CN=localhost", done.stderr)
            self.assertIn(b"HTTP/1.0 200 ok", done.stdout)
            self.assertTrue(done.stdout.rstrip().endswith(b"</HTML>") or b"</pre>" in done.stdout, done.stdout[-100:])

    def test_our_client_refuses_a_stranger(self):
        with tempfile.TemporaryDirectory() as folder:
            done = self.client(self.s_server(), trust=str(Certificates(folder).authority))
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"certificate verify failed: unable to get local issuer certificate", done.stderr)


if __name__ == "__main__":
    result = unittest.main(exit=False).result
    for test, why in result.skipped:
        print(f"skipped: {test.id()}: {why}", flush=True)
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if result.testsRun <= len(result.skipped) else 0)
