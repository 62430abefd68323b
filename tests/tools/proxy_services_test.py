#!/usr/bin/env python3
"""`weft proxy` in front of servers that others wrote, under their own benchmarks: Redis and PostgreSQL."""

import glob
import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

import command
from command import PATIENCE, StreamCase


def program(name):
    """Debian keeps the programs of PostgreSQL out of the path."""
    return shutil.which(name) or next(iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)), None)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Services(StreamCase):
    def folder(self, owner=None):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="weft-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        if owner is not None:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        return folder

    def await_port(self, process, port):
        deadline = time.monotonic() + PATIENCE
        while True:
            self.assertIsNone(process.poll(), "the server has ended")
            try:
                return socket.create_connection(("127.0.0.1", port)).close()
            except ConnectionRefusedError:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.01)

    def launch(self, arguments, **options):
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)

        def end():
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.addCleanup(end)
        return process

    def work(self, *arguments, **options):
        done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=PATIENCE, **options)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout + done.stderr

    @unittest.skipUnless(program("redis-server") and program("redis-benchmark"), "no redis-server with redis-benchmark")
    def test_redis_benchmark_over_tcp_and_a_unix_socket(self):
        folder, port = self.folder(), free_port()
        redis = self.launch([program("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly",
                             "no", "--dir", str(folder), "--unixsocket", str(folder / "redis")], cwd=folder)
        self.await_port(redis, port)
        for target in (f"127.0.0.1:{port}", f"unix:{folder / 'redis'}"):
            with self.subTest(target=target):
                proxy = self.start("proxy", target)
                text = self.work(program("redis-benchmark"), "-h", "127.0.0.1", "-p", str(proxy.port), "-q", "-n", "20000", "-c",
                                 "50", "-P", "4", "-d", "300", "-t", "set,get,lpush,lrange_100")
                self.assertNotIn("rror", text)
                self.assertGreaterEqual(len(re.findall(r"requests per second", text)), 4, text)
                counters = proxy.await_counters(open=0)
                self.assertGreater(counters["bytes to target"], 20_000 * 300)
                self.assertEqual((counters["unreachable"], counters["cut"]), (0, 0))

    @unittest.skipUnless(program("pgbench") and program("initdb") and program("postgres"), "no PostgreSQL with pgbench")
    def test_pgbench(self):
        account = None
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            try:
                account = pwd.getpwnam("postgres")
            except KeyError:
                account = pwd.getpwnam("nobody")
        as_account = {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        folder, port = self.folder(account), free_port()
        data = folder / "data"
        self.work(program("initdb"), "-D", str(data), "-U", "weft", "-A", "trust", "--no-sync", cwd=folder, **as_account)
        postgres = self.launch([program("postgres"), "-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", str(folder), "-c",
                                "fsync=off"], cwd=folder, **as_account)
        self.await_port(postgres, port)
        proxy = self.start("proxy", f"127.0.0.1:{port}")
        where = ("-h", "127.0.0.1", "-p", str(proxy.port), "-U", "weft")
        deadline = time.monotonic() + PATIENCE
        while subprocess.run([program("pg_isready"), *where], capture_output=True, check=False).returncode != 0:
            self.assertLess(time.monotonic(), deadline)  # it listens before it is ready
            time.sleep(0.02)
        self.work(program("pgbench"), *where, "-i", "-q", "-s", "1", "postgres", cwd=folder)
        text = self.work(program("pgbench"), *where, "-c", "10", "-j", "2", "-t", "100", "postgres", cwd=folder)
        self.assertIn("number of transactions actually processed: 1000/1000", text)
        self.assertRegex(text, r"number of failed transactions: 0 |tps = ")
        self.assertEqual(proxy.await_counters(open=0)["cut"], 0)


if __name__ == "__main__":
    command.main()
