"""Who is measured: a name, what kind of thing it is, and the program and options that run it."""

from dataclasses import dataclass, field

# What a contender is, as the tables put it.
WEFT = "weft"
STACKFUL = "stackful"    # blocks in the middle of any call, as weft does
STACKLESS = "stackless"  # stores a frame a task; cannot block in the middle of a call
THREADS = "threads"
LIMIT = "limit"          # what the machine allows: bare loops, serial programs, futexes


@dataclass(frozen=True)
class Contender:
    name: str
    kind: str
    program: str
    options: tuple = ()
    package: str = ""                 # Debian's, without which it is not built
    sizes: dict = field(default_factory=dict, hash=False, compare=False)  # workload: size, where it takes another

    def of(self, *options, name=None, kind=None, **sizes):
        """The same program asked in another way."""
        return Contender(name or self.name, kind or self.kind, self.program, self.options + options, self.package,
                         {**self.sizes, **sizes})


weft = Contender("weft", WEFT, "bench_weft")
boost = Contender("Boost.Fiber", STACKFUL, "bench_boost", package="libboost-fiber-dev")
go = Contender("Go", STACKFUL, "bench_go", package="golang-go", sizes={"fib": 27})
tokio = Contender("Tokio", STACKLESS, "bench_tokio", package="cargo librust-tokio-dev", sizes={"fib": 25})
asio = Contender("Asio", STACKLESS, "bench_asio", package="libasio-dev")
tbb = Contender("oneTBB", STACKLESS, "bench_tbb", package="libtbb-dev")
rayon = Contender("Rayon", STACKLESS, "bench_rayon", package="cargo librust-rayon-dev")
std = Contender("bare", LIMIT, "bench_std")

threads = std.of("--variant", "thread", name="std::thread", kind=THREADS)
coroutines = std.of("--variant", "coroutine", name="C++20 coroutines", kind=STACKLESS)
mutex = std.of(name="std::mutex", kind=THREADS)
serial = std.of(name="serial")
spin = std.of("--variant", "spin", name="bare spin lock")
futex = std.of(name="futex")
bare_loop = std.of("--variant", "bare", name="bare loop")
small_stacks = weft.of("--stack", "65536", name="weft, 64 KiB stacks")
warm = weft.of("--variant", "warm", name="weft, warm")
