"""The echo workload: its own script lets servers take turns under one load; here its figures become rows."""

import importlib.util
import statistics
import subprocess
import sys
import types
from pathlib import Path

from contenders import LIMIT, STACKFUL, STACKLESS, WEFT
from plan import Figure, Row

SCRIPT = Path(__file__).resolve().parents[1] / "echo/run.py"
KINDS = {"weft, epoll": WEFT, "weft, io_uring": WEFT, "raw epoll": LIMIT, "raw io_uring": LIMIT, "Go": STACKFUL}
GOALS = {1: None, 64: 1.10, 1000: 1.15, 10000: 1.25}  # times the better raw loop's processor time
LATENCY_GOAL = 1.5


def load():
    spec = importlib.util.spec_from_file_location("echo_run", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["echo_run"] = module  # its data classes look themselves up there
    spec.loader.exec_module(module)
    return module


def row_name(connections):
    return f"echo-{connections}"


def row_of(connections, samples):
    """Goals stand beside whichever raw loop is the better one in this run."""
    raw = [(statistics.median(one["cpu_us"] for one in samples[name]), name) for name in samples
           if KINDS.get(name) == LIMIT and samples[name]]
    beside = min(raw)[1] if raw else None
    goal = GOALS.get(connections)
    return Row(row_name(connections), f"echo of 64 bytes, {connections:,} connections", "echo", (), (
        Figure("cpu_us", "us", "server's CPU a request", None, (beside, goal) if beside and goal else None),
        Figure("p999_us", "us", "latency, 99.9%", None, (beside, LATENCY_GOAL) if beside and goal else None),
        Figure("p50_us", "us", "latency, median")))


def measure(folder, options, failures):
    """Yields (row, kinds, {contender: [figures of each repetition]})."""
    all_connections = [64, 1000] if options.quick else [1, 64, 1000, 10000]
    wanted = [n for n in all_connections if options.only.search(row_name(n))]
    if not wanted or not (folder / "echo_load").exists():
        return
    script = load()
    rounds = 3 if options.quick else max(15, options.repetitions)
    for connections in wanted:
        # Each connection is asked a dozen times before, and again: 10 us are a request's least.
        trip_ms = connections // 100
        asked = types.SimpleNamespace(connections=[connections], rounds=rounds, peer_rounds=min(7, rounds), workers=1,
                                      milliseconds=max(100, options.milliseconds, 12 * trip_ms), warmup=max(50, 12 * trip_ms),
                                      anew=False, seed=options.seed, raw_output=None)
        try:
            series = script.measure_all(folder, script.available(folder, script.CONTENDERS), asked)[connections]
        except (RuntimeError, OSError, subprocess.TimeoutExpired) as failure:
            failures.append(f"{row_name(connections)}: {failure}")
            continue
        samples = {one.name: list(each.rounds.values()) for one, each in series.items()}
        yield row_of(connections, samples), {name: KINDS.get(name, STACKLESS) for name in samples}, samples
