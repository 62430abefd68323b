"""The weft command from outside: starting it, waiting for it to listen, talking to it over raw sockets."""

import ctypes
import os
import pathlib
import queue
import random
import resource
import signal
import socket
import struct
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


class Program:
    """A command that runs until it is stopped. Its standard output is collected line by line; the first one is its greeting."""

    def __init__(self, *arguments, **options):
        self.process = subprocess.Popen([WEFT, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        **options)
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.greeting = self.line()
        self.port = self.port_in(self.greeting)

    def port_in(self, greeting):
        raise NotImplementedError

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


class Server(Program):
    """`weft serve` on a free port."""

    def __init__(self, folder, *arguments, **options):
        super().__init__("serve", str(folder), "--listen", "127.0.0.1:0", *arguments, **options)

    def port_in(self, greeting):
        return int(greeting.split("http://127.0.0.1:")[1].split("/")[0])


class StreamServer(Program):
    """`weft echo` or `weft proxy`: `listen`, or a free port."""

    def __init__(self, name, *arguments, listen="127.0.0.1:0", **options):
        super().__init__(name, listen, *arguments, **options)

    def port_in(self, greeting):
        self.where = greeting.split("listening on ")[1].split(",")[0]
        return None if self.where.startswith("unix:") else int(self.where.rsplit(":", 1)[1])

    def connect(self, **options):
        if self.port is not None:
            return super().connect(**options)
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(PATIENCE)
        s.connect(self.where.removeprefix("unix:").replace("@", "\0"))
        return s

    @staticmethod
    def counters_in(line):
        """'connections 3, bytes to target 5' as {'connections': 3, 'bytes to target': 5}."""
        return {name: int(value) for name, value in (part.rsplit(" ", 1) for part in line.split(", "))}

    def counters(self):
        """As SIGUSR1 shows them."""
        self.process.send_signal(signal.SIGUSR1)
        return self.counters_in(self.line())

    def await_counters(self, **wanted):
        """Asks until the counters are as wanted: what a fiber does last is seen by nobody but them."""
        wanted = {name.replace("_", " "): value for name, value in wanted.items()}
        deadline = time.monotonic() + PATIENCE
        while wanted.items() - (now := self.counters()).items():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{now}, but never {wanted}")
            time.sleep(0.005)
        return now

    def final_counters(self, number=signal.SIGTERM):
        """Stops it; the counters of its last line."""
        code = self.stop(number)
        if code != 0:
            raise RuntimeError(f"it ended with {code}: {self.errors}")
        last = None
        while not self.lines.empty():
            last = self.lines.get()
        return self.counters_in(last)


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


class StreamCase(unittest.TestCase):
    """Tests of echo and proxy: how their programs are started, and what their connections have to do."""

    def start(self, name, *arguments, **options):
        program = StreamServer(name, *arguments, **options)
        self.addCleanup(program.__exit__)
        return program

    def folder_for_sockets(self):
        temporary = tempfile.TemporaryDirectory(prefix="weft-")  # short: the name of a Unix socket has 107 bytes
        self.addCleanup(temporary.cleanup)
        return pathlib.Path(temporary.name)

    @staticmethod
    def read_all(s):
        return b"".join(iter(lambda: s.recv(1 << 16), b""))

    def send_in_background(self, s, content, then_end=True):
        def send():
            s.sendall(content)
            if then_end:
                s.shutdown(socket.SHUT_WR)
        thread = threading.Thread(target=send)
        thread.start()
        self.addCleanup(thread.join, PATIENCE)
        return thread

    def assert_given_back(self, s, content):
        """Sends it all, ends the stream, and must get the same and the end."""
        self.send_in_background(s, content)
        self.assertTrue(self.read_all(s) == content, f"{len(content)} bytes came back changed")

    def assert_reset(self, s):
        with self.assertRaises(ConnectionResetError):
            while s.recv(1 << 16):
                pass
            raise AssertionError("an end of stream that nobody has sent")

    @staticmethod
    def reset(s):
        """Closes so that the peer sees a reset, as of a process that was killed with input unread."""
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()

    def assert_complaint(self, result, code, *words):
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(result.stdout, "")
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        for word in ("weft: ", *words):
            self.assertIn(word, result.stderr)

    def need_open_files(self, least):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard != resource.RLIM_INFINITY and hard < least:
            self.skipTest(f"{hard} open files are too few")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def hold_descriptors(self, program):
        """Lets the program open nothing more; returns what lets it again."""
        if "undefined" in os.environ.get("WEFT_SANITIZE", ""):
            self.skipTest("UndefinedBehaviorSanitizer looks at memory through pipes, which it cannot open then either")
        pid = program.process.pid
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        # the lowest number that is free: the limit is on numbers, not on how many there are
        taken = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
        lowest_free = next(n for n in range(len(taken) + 1) if n not in taken)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (lowest_free, before[1]))
        return lambda: resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
