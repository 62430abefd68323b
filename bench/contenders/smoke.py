#!/usr/bin/env python3
"""Runs every workload of every contender that is built, as small as can be, so that none of them rots.

    smoke.py FOLDER      where the programs bench_* are

Each must list its workloads, end by itself, and print one line of JSON with the figure that bench/README.md promises;
what this machine cannot run ends with 77. How fast anything is is not looked at, so all CPUs may be busy with it.
"""

import concurrent.futures
import json
import pathlib
import subprocess
import sys

LIMIT_S = 60
AT_ONCE = 8  # most of the longest ones sleep
# What each prints at least, and its size here; the figures of the rest: ns.
FIGURES = {
    "parked": ["bytes", "mappings", "us", "wake_us"], "lock_contended": ["ns", "longest_us"], "skynet": ["ms"],
    "nqueens": ["ms"], "matmul": ["ms"], "sleepers": ["late_s", "cpu_s"], "wake": ["us"], "idle": ["cpu_ms"],
    "stall": ["p50_us", "p99_us", "p999_us"],
}
SIZES = {"ping_channel": 0, "many_channel": 16, "skynet": 100, "fib": 10, "nqueens": 6, "matmul": 128, "tree_search": 1000}
# Figures that small sizes, or few differences, can bring to nothing or below: memory that was there before.
MAY_BE_ZERO = {"bytes", "mappings", "late_s", "cpu_s", "cpu_ms"}
VARIANTS = [("parked", "warm"), ("parked", "guarded"), ("parked", "thread"), ("parked", "bare"), ("yield", "thread"),
            ("ping_channel", "asleep"), ("lock", "spin"), ("lock_contended", "spin"), ("skynet", "channel"),
            ("skynet", "forkjoin")]
NOT_HERE = 77


def call(program, *options):
    return subprocess.run([program, *options], capture_output=True, text=True, timeout=LIMIT_S, check=False)


def problem_of(name, done):
    """What is wrong with the result of one call, or None."""
    if done.returncode == NOT_HERE:
        return None if done.stderr.strip() else "exit code 77 without a message"
    if done.returncode != 0:
        return f"exit code {done.returncode}: {done.stderr.strip()}"
    try:
        result = json.loads(done.stdout)
    except ValueError:
        return f"no line of JSON: {done.stdout!r}"
    for figure in FIGURES.get(name, ["ns"]):
        value = result.get(figure)
        if not isinstance(value, (int, float)) or (value <= 0 and figure not in MAY_BE_ZERO):
            return f"{figure} is {value}: {done.stdout.strip()}"
    return None


def run_one(task):
    program, name, workers, variant = task
    options = ["--milliseconds", "1", "--size", str(SIZES.get(name, 50)), "--workers", str(workers)]
    try:
        done = call(program, name, *options, *(["--variant", variant] if variant else []))
    except subprocess.TimeoutExpired:
        return task, f"still running after {LIMIT_S} s", False
    return task, problem_of(name, done), done.returncode == 0


def tasks_of(program):
    names = call(program, "--list").stdout.split()
    if not names:
        raise SystemExit(f"{program}: lists no workloads")
    for options, code in ((["--nonsense"], 2), (["no_such_workload"], NOT_HERE)):
        got = call(program, *options).returncode
        if got != code:
            raise SystemExit(f"{program} {options[0]}: exit code {got}, should be {code}")
    plain = [(program, name, workers, "") for name in names for workers in (1, 2)]
    return plain + [(program, name, 1, variant) for name, variant in VARIANTS if name in names]


def main():
    folder = pathlib.Path(sys.argv[1])
    programs = sorted(p for p in folder.glob("bench_*") if p.is_file())
    if not programs:
        raise SystemExit(f"{folder}: no contender's program")
    tasks = [task for program in programs for task in tasks_of(program)]
    failed = measured = 0
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for (program, name, workers, variant), problem, has_figures in pool.map(run_one, tasks):
            measured += has_figures
            if problem:
                failed += 1
                print(f"{program.name} {name} --workers {workers} {variant}: {problem}")
    print(f"{', '.join(p.name for p in programs)}: {measured} measured, {failed} failed, "
          f"{len(tasks) - measured - failed} not possible here")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
