"""The weft command from outside: starting it, waiting for it to listen, talking to it over raw sockets."""

import ctypes
import os
import pathlib
import queue
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

WEFT = os.environ.get("WEFT_COMMAND", "weft")
PATIENCE = 120  # seconds before a test gives up on something that takes milliseconds


def run(*arguments, env=None):
    """Runs a command that is expected to end by itself."""
    return subprocess.run([WEFT, *arguments], capture_output=True, text=True, timeout=PATIENCE,
                          env={**os.environ, **(env or {})}, check=False)


def content_of(size, seed):
    """Bytes that are cheap to make and differ at every offset, also between equal places of different blocks."""
    block = random.Random(seed).randbytes(65_521)
    return b"".join(i.to_bytes(8, "big") + block for i in range(size // len(block) + 1))[:size]


def threads_of(pid):
    return {int(name) for name in os.listdir(f"/proc/{pid}/task")}


ALL_CHILDREN = 0x40000000  # __WALL: also threads that are traced


def hold_thread(tid):
    """Stops one thread of a child process for good. False: this system does not let us."""
    seize, interrupt = 0x4206, 0x4207
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    libc.ptrace.restype = ctypes.c_long
    if libc.ptrace(seize, tid, None, None) != 0 or libc.ptrace(interrupt, tid, None, None) != 0:
        return False
    os.waitpid(tid, ALL_CHILDREN)  # until it has stopped
    return True


def expect_end_of_held(tid):
    """Waits until the process of a held thread has ended; before that, nobody can wait for the process itself."""
    for _ in range(PATIENCE * 100):
        got, status = os.waitpid(tid, os.WNOHANG | ALL_CHILDREN)
        if got == tid and (os.WIFEXITED(status) or os.WIFSIGNALED(status)):
            return
        time.sleep(0.01)
    raise TimeoutError("the process has not ended")


class Server:
    """`weft serve` on a free port. Its standard output is collected line by line."""

    def __init__(self, folder, *arguments, **options):
        self.process = subprocess.Popen([WEFT, "serve", str(folder), "--listen", "127.0.0.1:0", *arguments],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.greeting = self.line()
        self.port = int(self.greeting.split("http://127.0.0.1:")[1].split("/")[0])

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))

    def line(self):
        return self.lines.get(timeout=PATIENCE)

    def connect(self, **options):
        s = socket.socket()
        for name, value in options.items():
            s.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
        s.settimeout(PATIENCE)
        try:
            s.connect(("127.0.0.1", self.port))
        except OSError:
            s.close()
            raise
        return s

    def stop(self, number=signal.SIGTERM):
        """Sends the signal, waits for the end, returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait()

    def wait(self):
        code = self.process.wait(timeout=PATIENCE)
        self.reader.join(timeout=PATIENCE)
        self.errors = self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def expect_clean_end(self, case):
        """Whatever a test did, the server must still stop well: this is where a sanitizer would have spoken up."""
        if self.process.returncode is None:
            case.assertEqual((self.stop(), self.errors), (0, ""))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.returncode is None:
            self.process.kill()
            self.wait()


class Reply:
    """One response, read from the stream exactly as far as it goes."""

    def __init__(self, stream, head=False):
        first = stream.readline()
        if not first:
            raise EOFError("the server closed the connection")
        self.status = int(first.split()[1])
        self.fields = {}
        while (line := stream.readline()) not in (b"\r\n", b""):
            name, value = line.decode("latin-1").rstrip("\r\n").split(": ", 1)
            self.fields[name.lower()] = value
        length = int(self.fields.get("content-length", 0))
        self.body = b"" if head or self.status == 304 else stream.read(length)
        assert head or self.status == 304 or len(self.body) == length, "body cut short"


def main():
    """Runs the tests of the calling script. A skipped test is not a passed one: each is named, and a script of which nothing
    was run ends with 77, which ctest shows as skipped."""
    result = unittest.main(exit=False).result
    for test, why in result.skipped:
        print(f"skipped: {test.id()}: {why}", flush=True)
    if not result.wasSuccessful() or (result.testsRun == 0 and not result.skipped):
        sys.exit(1)
    sys.exit(77 if result.testsRun <= len(result.skipped) else 0)


class FolderCase(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="weft-serve-")
        self.addCleanup(temporary.cleanup)
        self.base = pathlib.Path(temporary.name)
        self.folder = self.base / "www"
        self.folder.mkdir()

    def write(self, name, content=b""):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path
