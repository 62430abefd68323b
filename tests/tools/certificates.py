"""Certificates made by the openssl command while the tests run: nothing secret is checked in, and none expires on the shelf."""

import pathlib
import shutil
import subprocess

from command import PATIENCE

OPENSSL = shutil.which("openssl")
EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def openssl(*arguments, **options):
    return subprocess.run([OPENSSL, *map(str, arguments)], check=True, capture_output=True, timeout=PATIENCE, **options).stdout


class Issued:
    """A certificate and its key, in PEM files."""

    def __init__(self, folder, name):
        self.chain, self.key = folder / f"{name}.pem", folder / f"{name}.key"

    @property
    def flags(self):
        return ("--cert", str(self.chain), "--key", str(self.key))

    def serial(self):
        return openssl("x509", "-in", self.chain, "-noout", "-serial").decode().strip()

    def replace_by(self, other):
        """As an administrator would: the files have the old names and new contents."""
        self.chain.write_bytes(other.chain.read_bytes())
        self.key.write_bytes(other.key.read_bytes())


class Authority:
    """An authority and what it signs, in a folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.own = Issued(self.folder, "authority")
        self.trust = str(self.own.chain)
        openssl("req", "-x509", *EC, "-subj", "/CN=authority", "-days", 2, "-keyout", self.own.key, "-out", self.own.chain)
        (self.folder / "index").touch()
        (self.folder / "serial").write_text("1000\n")

    def issue(self, name, alternatives="DNS:localhost,IP:127.0.0.1", dates=("20240101000000Z", "20990101000000Z")):
        made = Issued(self.folder, name)
        request, settings = self.folder / f"{name}.csr", self.folder / f"{name}.cnf"
        openssl("req", *EC, "-subj", f"/CN={name}", "-keyout", made.key, "-out", request)
        settings.write_text(f"[ca]\ndefault_ca=own\n[own]\ndatabase={self.folder}/index\nserial={self.folder}/serial\n"
                            f"new_certs_dir={self.folder}\ndefault_md=sha256\npolicy=any\nx509_extensions=names\n"
                            f"unique_subject=no\n[any]\ncommonName=supplied\n[names]\nsubjectAltName={alternatives}\n")
        openssl("ca", "-batch", "-notext", "-config", settings, "-cert", self.own.chain, "-keyfile", self.own.key,
                "-startdate", dates[0], "-enddate", dates[1], "-in", request, "-out", made.chain)
        return made

    def self_signed(self, name):
        made = Issued(self.folder, name)
        openssl("req", "-x509", *EC, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                "-days", 2, "-keyout", made.key, "-out", made.chain)
        return made
