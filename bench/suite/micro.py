"""The micro workloads: one program by Google Benchmark, which lets its benchmarks take turns in random order."""

import json
import os
import re
import subprocess

import turns
from contenders import LIMIT, STACKFUL, STACKLESS, THREADS, WEFT
from plan import Figure, Row

KINDS = {"weft": WEFT, "Boost": STACKFUL, "C++20": STACKLESS, "std": THREADS}  # by how the contender's name starts
GOALS = {"switch": 2.0}


def kind_of(name):
    return next((kind for start, kind in KINDS.items() if name.startswith(start)), LIMIT)


def ask(program, *options):
    asked = [str(program), *options]
    done = subprocess.run(asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                          timeout=1800, preexec_fn=turns.pin({min(os.sched_getaffinity(0))}))
    if done.returncode != 0:
        raise turns.Failure(f"{' '.join(asked)}: exit code {done.returncode}\n{done.stderr.strip()}")
    return done.stdout


def row_of(operation):
    return Row("micro-" + re.sub(r"[^a-z0-9]+", "-", operation.lower()), f"{operation} (micro)", "micro", (), (Figure("ns", "ns", "", GOALS.get(operation)),))


def listed(program):
    """{operation: [contenders]} in the order of the program. A benchmark is called `operation/contender`."""
    found = {}
    for line in ask(program, "--benchmark_list_tests").splitlines():
        operation, contender = line.split("/", 1)
        found.setdefault(operation, []).append(contender)
    return found


def pattern(operation):
    """As a POSIX regular expression, in which only what means something is escaped."""
    return re.sub(r"([][.^$*+?(){}|\\])", r"\\\1", operation)


def measure(program, options):
    """[(row, {contender: [figures of each repetition]})]"""
    wanted = {one: contenders for one, contenders in listed(program).items() if options.only.search(row_of(one).name)}
    if not wanted:
        return []
    told = ask(program, "--benchmark_format=json", "--benchmark_enable_random_interleaving=true",
               f"--benchmark_repetitions={options.repetitions}",
               f"--benchmark_min_time={options.milliseconds / 1000}",
               f"--benchmark_filter=^({'|'.join(pattern(one) for one in wanted)})/")
    # They come back in random order; the first of weft's ways is the one that counts as weft.
    found = {one: {contender: [] for contender in contenders} for one, contenders in wanted.items()}
    try:
        benchmarks = json.loads(told)["benchmarks"]
    except ValueError:
        raise turns.Failure(f"{program}: not JSON: {told!r}") from None
    for one in benchmarks:
        if one.get("run_type") == "iteration":
            operation, contender = one["run_name"].split("/", 1)
            found[operation][contender.split("/repeats:")[0]].append({"ns": one["real_time"]})
    return [(row_of(operation), samples) for operation, samples in found.items()]
