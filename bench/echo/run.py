#!/usr/bin/env python3
"""The echo benchmark: servers take turns under one load.

    run.py [options] <folder of the programs>

Every measurement starts its server anew, on the first CPU, and the load on the second. A round measures each contender
once, in an order of its own, so whatever else the machine does meets all of them alike; what is compared is compared
within rounds, and medians are told. The processor time of a request is the server process's alone; of two processes
that talk over the loopback each does the kernel's work for what it sends.
"""

import argparse
import json
import os
import random
import select
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

START_SECONDS = 20  # for a server to say its port


@dataclass(frozen=True)
class Contender:
    name: str
    program: str
    arguments: tuple = ()
    io: str = ""       # WEFT_IO
    package: str = ""  # what Debian calls that without which it is not built
    role: str = "peer"  # weft and raw are measured in every round


CONTENDERS = [
    Contender("weft, epoll", "echo_weft", io="epoll", role="weft"),
    Contender("weft, io_uring", "echo_weft", io="uring", package="liburing-dev", role="weft"),
    Contender("raw epoll", "echo_epoll", role="raw"),
    Contender("raw io_uring", "echo_uring", package="liburing-dev", role="raw"),
    Contender("Asio", "echo_asio", package="libasio-dev"),
    Contender("Go", "echo_go", package="golang-go"),
    Contender("Tokio", "echo_tokio", package="cargo librust-tokio-dev"),
]

# How the raw loop over io_uring may ask for what it does: --variants.
VARIANTS = [
    Contender("receive each, send(2)", "echo_uring", role="raw"),
    Contender("multishot receive, send(2)", "echo_uring", ("--receive", "multishot"), role="raw"),
    Contender("receive each, send by the ring", "echo_uring", ("--send", "ring"), role="raw"),
    Contender("multishot receive, send by the ring", "echo_uring", ("--receive", "multishot", "--send", "ring"), role="raw"),
    Contender("accept each, receive each, send(2)", "echo_uring", ("--accept", "single"), role="raw"),
]


@dataclass
class Series:
    """The measurements of one contender with one number of connections, by round."""
    rounds: dict = field(default_factory=dict)

    def of(self, key):
        return [r[key] for r in self.rounds.values()]

    def median(self, key):
        return statistics.median(self.of(key))


def pinned_to(cpus):
    return lambda: os.sched_setaffinity(0, cpus)


def places(workers):
    """CPUs of the server and of the load."""
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2 or workers > 1:
        return set(cpus), set(cpus)
    return {cpus[0]}, {cpus[1]}


def read_port(server, name):
    ready, _, _ = select.select([server.stdout], [], [], START_SECONDS)
    line = server.stdout.readline() if ready else ""
    if not line.strip().isdigit():
        raise RuntimeError(f"{name} did not say its port")
    return line.strip()


def least_requests(connections):
    """Without which a measurement is not one, however long it takes: others may be using the CPUs."""
    return max(500, 2 * connections)


def measure(folder, contender, connections, options):
    server_cpus, load_cpus = places(options.workers)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WEFT_")}
    if contender.io:
        environment["WEFT_IO"] = contender.io
    server = subprocess.Popen(
        [folder / contender.program, "--workers", str(options.workers), *contender.arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, preexec_fn=pinned_to(server_cpus))
    try:
        port = read_port(server, contender.name)
        load = subprocess.run(
            [folder / "echo_load", "--port", port, "--server", str(server.pid), "--connections", str(connections),
             "--milliseconds", str(options.milliseconds), "--warmup", str(options.warmup),
             "--requests", str(least_requests(connections)), "--connection", "anew" if options.anew else "kept"],
            stdout=subprocess.PIPE, text=True, timeout=120, preexec_fn=pinned_to(load_cpus))
        if load.returncode != 0:
            raise RuntimeError(f"the load failed against {contender.name}")
        if server.poll() is not None:
            raise RuntimeError(f"{contender.name} ended by itself")
    finally:
        server.stdin.close()  # by which it ends
        try:
            server.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            raise RuntimeError(f"{contender.name} does not end with its input")
        finally:
            server.stdout.close()
    result = json.loads(load.stdout)
    result["cpu_us"] = result["server_cpu_ns"] / 1000 / result["requests"]
    result["per_second"] = result["requests"] * 1e9 / result["ns"]
    return result


def measure_all(folder, contenders, options):
    """{connections: {contender: Series}}"""
    found = {c: {one: Series() for one in contenders} for c in options.connections}
    order = random.Random(options.seed)
    for connections in options.connections:
        for turn in range(options.rounds):
            # The peers sit some rounds out, the first and the last of them not.
            peers_too = turn % max(1, options.rounds // options.peer_rounds) == 0
            these = [one for one in contenders if peers_too or one.role != "peer"]
            order.shuffle(these)
            for one in these:
                result = measure(folder, one, connections, options)
                found[connections][one].rounds[turn] = result
                if options.raw_output:
                    options.raw_output.write(json.dumps({"contender": one.name, "connections": connections,
                                                         "round": turn, **result}) + "\n")
    return found


def ratio_with_interval(mine, theirs, key, seed):
    """The median of the ratios within rounds, and where 95% of the medians of resampled rounds lie."""
    shared = sorted(set(mine.rounds) & set(theirs.rounds))
    ratios = [mine.rounds[r][key] / theirs.rounds[r][key] for r in shared]
    draw = random.Random(seed)
    medians = sorted(statistics.median(draw.choices(ratios, k=len(ratios))) for _ in range(2000))
    return statistics.median(ratios), medians[50], medians[-51]


def better_raw(of_contender):
    raw = [(series.median("cpu_us"), one.name, one) for one, series in of_contender.items() if one.role == "raw"]
    return min(raw)[2] if raw else None


def ratio_text(mine, theirs, key, seed):
    middle, low, high = ratio_with_interval(mine, theirs, key, seed)
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def print_table(found, options):
    print("| connections | server | requests/s | CPU us a request | to the better raw loop | p50 us | p99 us | p99.9 us "
          "| to that loop |\n|---|---|---|---|---|---|---|---|---|")
    for connections, of_contender in found.items():
        best = better_raw(of_contender)
        for one, series in of_contender.items():
            beside = ["", ""]
            if best is not None and one is not best:
                beside = [ratio_text(series, of_contender[best], key, options.seed) for key in ("cpu_us", "p999_us")]
            print(f"| {connections} | {one.name} | {series.median('per_second'):.0f} | {series.median('cpu_us'):.2f} "
                  f"| {beside[0]} | {series.median('p50_us'):.0f} | {series.median('p99_us'):.0f} "
                  f"| {series.median('p999_us'):.0f} | {beside[1]} |")
    print(f"\nMedians of {options.rounds} rounds (peers: one in {max(1, options.rounds // options.peer_rounds)}) of "
          f"{options.milliseconds} ms; ratios within rounds, in brackets 95% of resampled medians. "
          f"{options.workers} worker{'s' if options.workers > 1 else ''}.")


def available(folder, contenders):
    there = [one for one in contenders if (folder / one.program).exists()]
    for one in contenders:
        if one not in there:
            print(f"without {one.name}: not built" + (f" (Debian: {one.package})" if one.package else ""))
    return there


def smoke(folder, options):
    """A handful of requests for each that is built without further packages, and for each choice that they have."""
    options.milliseconds, options.warmup, options.workers, options.anew = 1, 0, 1, False
    known = [one for one in CONTENDERS if one.role != "peer"] + VARIANTS
    for one in available(folder, known):
        result = measure(folder, one, 3, options)
        if result["requests"] < least_requests(3) or result["server_cpu_ns"] < 1:
            raise RuntimeError(f"{one.name}: nothing was measured: {result}")
        print(f"{one.name}: {result['requests']} requests")
    options.workers, options.anew = 2, True
    for one in available(folder, [one for one in CONTENDERS if one.role != "peer"]):
        measure(folder, one, 8, options)


def parse():
    numbers = lambda text: [int(n) for n in text.split(",")]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--connections", type=numbers, default=[1, 64, 1000, 10000], metavar="N,N")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--peer-rounds", type=int, default=5, help="in how many of them the peers take part")
    parser.add_argument("--milliseconds", type=int, default=250, help="of each measurement")
    parser.add_argument("--warmup", type=int, default=50, help="milliseconds before it")
    parser.add_argument("--workers", type=int, default=1, help="threads of the server; with more than one nothing is pinned")
    parser.add_argument("--only", default="", help="names of contenders, with ; between them")
    parser.add_argument("--variants", action="store_true", help="the ways of the raw io_uring loop instead")
    parser.add_argument("--anew", action="store_true", help="a connection for each request; at most 256 at a time")
    parser.add_argument("--seed", type=int, default=1, help="of the orders")
    parser.add_argument("--raw-output", type=argparse.FileType("w"), help="a line of JSON for each measurement")
    parser.add_argument("--smoke", action="store_true", help="only see that everything works")
    return parser.parse_args()


def main():
    options = parse()
    if options.smoke:
        smoke(options.folder, options)
        return
    contenders = VARIANTS if options.variants else CONTENDERS
    if options.only:
        contenders = [one for one in contenders if one.name in options.only.split(";")]
    print_table(measure_all(options.folder, available(options.folder, contenders), options), options)


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, subprocess.TimeoutExpired) as failure:
        sys.exit(f"echo benchmark: {failure}")
