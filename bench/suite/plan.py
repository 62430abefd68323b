"""What is measured: every row of the suite, in the order of the tables."""

from dataclasses import dataclass, replace

from contenders import (asio, bare_loop, boost, coroutines, futex, go, mutex, rayon, serial, small_stacks, spin, tbb,
                        threads, tokio, warm, weft)


@dataclass(frozen=True)
class Figure:
    """One number that a program prints: its key, its unit, what it is, and what weft means to reach."""
    key: str
    unit: str
    what: str = ""
    goal: float = None             # at most this
    beside: tuple = None           # or at most (contender's name, factor) of another's in the same run


@dataclass(frozen=True)
class Row:
    name: str                      # what --only matches
    title: str
    workload: str                  # of the programs
    contenders: tuple
    figures: tuple                 # the first is the one that is charted
    workers: int = 1
    size: int = 0                  # 0: the program's own
    quick_size: int = 0            # with --quick
    variant: str = ""
    outside: bool = False          # a plain thread takes part: not pinned to one CPU
    memory_gib: float = 0          # left out where less is available
    slow: bool = False             # left out of --quick

    @property
    def cpus(self):
        return self.workers + (1 if self.outside else 0)

    def as_measured(self, quick):
        """With a title that is true of --quick, too."""
        return replace(self, title=f"{self.title} (size {self.quick_size:,})") if quick and self.quick_size else self

    def size_for(self, contender, quick):
        return contender.sizes.get(self.workload) or (quick and self.quick_size) or self.size


def ns(what="", goal=None, beside=None):
    return Figure("ns", "ns", what, goal, beside)


def ms(goal=None):
    return Figure("ms", "ms", "", goal)


def pair(name, title, workload, contenders, goals=(None, None), two=None, **more):
    """The same with one worker and with two."""
    return [Row(f"{name}-{w}w", f"{title}, {w} worker{'s' if w > 1 else ''}", workload,
                contenders if w == 1 or two is None else two, (ns("", goals[w - 1]),), workers=w, **more)
            for w in (1, 2)]


SCHEDULERS = (weft, boost, go, tokio, asio)
FORK_JOIN = (weft, tbb, rayon, tokio, go, serial)


def yields():
    for size, goal in ((2, 12), (100, None), (1000, 15), (10_000, None), (100_000, 60)):
        others = (coroutines, threads) if size <= 1000 else (coroutines,)
        yield Row(f"yield-{size}", f"yield, {size:,} fibers", "yield", SCHEDULERS + others, (ns("", goal),), size=size)
    for size, goal in ((1000, 25), (100_000, 150)):
        yield Row(f"yield-shuffled-{size}", f"yield in random order, {size:,} fibers", "yield_shuffled",
                  (weft, boost, go, tokio, asio, coroutines), (ns("", goal),), size=size)


def spawns():
    yield from pair("spawn-join", "spawn and join one at a time", "spawn_join", SCHEDULERS + (threads,), (25, 60))
    yield from pair("spawn-batch", "spawn and join, batches of 10,000", "spawn_batch", SCHEDULERS + (threads,), (30, 60))
    yield from pair("spawn-outside", "spawn from a plain thread, batches of 10,000", "spawn_outside", SCHEDULERS,
                    outside=True)


def parked():
    wake = Figure("wake_us", "us", "to wake and end each")
    mappings = Figure("mappings", "", "mappings more in all")
    guarded = boost.of("--variant", "guarded", name="Boost.Fiber, guarded")
    for size, more in ((10_000, (guarded, threads)), (100_000, ()), (1_000_000, ())):
        figures = (Figure("bytes", "bytes", "resident a fiber", 4900), Figure("us", "us", "to create each", None,
                                                                            ("bare loop", 1.15)), mappings, wake)
        yield Row(f"parked-{size}", f"{size:,} parked fibers", "parked",
                  (weft, small_stacks, boost, go, tokio, asio, coroutines, *more, bare_loop), figures, size=size,
                  slow=size > 10_000, memory_gib=6 if size > 100_000 else 0)
    yield Row("parked-4000000", "4,000,000 parked fibers", "parked", (weft,),
              (Figure("bytes", "bytes", "resident a fiber", 4900), Figure("us", "us", "to create each"), mappings, wake),
              size=4_000_000, slow=True, memory_gib=20.5)
    yield Row("parked-warm-100000", "100,000 fibers on warm stacks", "parked", (warm, tokio.of("--variant", "warm"),
              go.of("--variant", "warm")), (Figure("us", "us", "to create each", 0.1), wake), size=100_000)


def messages():
    yield from pair("ping-event", "event ping-pong, a message", "ping_event", (weft, boost, go, tokio, asio), (30, None),
                    two=(weft, boost, go, tokio, futex))
    yield from pair("ping-channel", "channel ping-pong, a message", "ping_channel", SCHEDULERS, (40, 250))
    yield Row("ping-channel-asleep", "a message to a worker that sleeps", "ping_channel", (weft, go, tokio, futex),
              (ns("", None, ("futex", 1.2)),), workers=2, variant="asleep", outside=True)
    yield from pair("many-channel", "channel, 8 senders, 8 receivers, capacity 1024, a message", "many_channel",
                    (weft, boost, go, tokio), (12.5, 40), size=1024)


def locks():
    yield Row("lock", "mutex nobody else wants", "lock", (weft, boost, go, tokio, mutex, spin), (ns(),))
    longest = Figure("longest_us", "us", "longest wait", 1000)
    yield Row("lock-contended-1w", "mutex, 64 fibers, 1 worker", "lock_contended", (weft, boost, go, tokio),
              (ns(), longest), size=64)
    yield Row("lock-contended-2w", "mutex, 64 fibers, 2 workers", "lock_contended", (weft, boost, go, tokio, mutex, spin),
              (ns("", None, ("bare spin lock", 1.2)), longest), workers=2, size=64)
    yield from pair("lock-yielding", "mutex, 64 fibers, yielding while they hold it", "lock_yielding",
                    (weft, boost, go, tokio), (200, 200), size=64)


def trees():
    for w, goal in ((1, 24), (2, 13)):
        yield Row(f"skynet-forkjoin-{w}w", f"skynet by fork-join, {w} worker{'s' * (w > 1)}", "skynet",
                  (weft, tbb, rayon, serial), (ms(goal),), workers=w, variant="forkjoin", size=1_000_000)
    for w in (1, 2):
        yield Row(f"skynet-{w}w", f"skynet, a fiber for each node, {w} worker{'s' * (w > 1)}", "skynet",
                  (weft, boost, go, tokio, asio), (ms(),), workers=w, size=1_000_000, quick_size=100_000)
        yield Row(f"skynet-channel-{w}w", f"skynet, results over channels, {w} worker{'s' * (w > 1)}", "skynet",
                  (weft, boost, go, tokio), (ms(130),), workers=w, variant="channel", size=1_000_000,
                  quick_size=100_000)
    yield from pair("fib", "fork-join fib(35), a call", "fib", FORK_JOIN, (12, 7), size=35, quick_size=30)
    for name, title, size, quick in (("nqueens", "12 queens", 12, 10), ("matmul", "matrix product, 1024", 1024, 512)):
        for w in (1, 2):
            yield Row(f"{name}-{w}w", f"{title}, {w} worker{'s' * (w > 1)}", name, FORK_JOIN, (ms(),), workers=w, size=size,
                      quick_size=quick)
    yield from pair("tree-search", "search of an unbalanced tree, a node", "tree_search", FORK_JOIN)


def clocks():
    late = Figure("late_s", "s", "beyond the longest sleep")
    yield Row("sleepers", "1,000,000 sleeping fibers, 2 workers", "sleepers", (weft, warm, go, tokio, asio, bare_loop),
              (late, Figure("cpu_s", "s", "processor time")), workers=2, size=1_000_000, quick_size=100_000,
              memory_gib=6)
    yield Row("timer-cancel", "arm a timer and cancel it", "timer_cancel", (weft, boost, go, tokio, asio), (ns(),))


def outside():
    yield Row("post", "work handed in by a plain thread, busy runtime", "post", SCHEDULERS, (ns(),), outside=True)
    yield Row("wake", "wake-up of an idle runtime by a plain thread", "wake", SCHEDULERS + (futex,),
              (Figure("us", "us", "", None, ("futex", 1.25)),), outside=True)
    yield Row("idle", "idle with 100,000 parked fibers", "idle", SCHEDULERS, (Figure("cpu_ms", "ms", "processor time a second",
              0.1),), size=100_000, quick_size=10_000)
    for w in (1, 2):
        yield Row(f"stall-{w}w", f"64 connections beside bursts of 1 ms, {w} worker{'s' * (w > 1)}", "stall",
                  (weft, go, tokio, asio), (Figure("p999_us", "us", "99.9%"), Figure("p99_us", "us", "99%"),
                                            Figure("p50_us", "us", "median")),
                  workers=w, outside=True, slow=w == 1)


def rows():
    return [*yields(), *spawns(), *parked(), *messages(), *locks(), *trees(), *clocks(), *outside()]
