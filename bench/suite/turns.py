"""Measuring: contenders take turns, each measurement a process of its own, pinned."""

import json
import os
import random
import subprocess
import sys
import time

import machine

IMPOSSIBLE = 77   # a program's exit code for what it has not, or cannot do here
LONGEST = 620     # seconds for one measurement
FEWEST = 3        # repetitions, however long they take


class Failure(RuntimeError):
    pass


def pin(cpus):
    return lambda: os.sched_setaffinity(0, cpus)


def command(folder, row, contender, options):
    asked = [str(folder / contender.program), row.workload, "--workers", str(row.workers),
             "--milliseconds", str(options.milliseconds), *contender.options]
    size = row.size_for(contender, options.quick)
    if size:
        asked += ["--size", str(size)]
    if row.variant and "--variant" not in contender.options:
        asked += ["--variant", row.variant]
    return asked


def measure(folder, row, contender, options):
    """The figures that the program prints, or None where it cannot do this."""
    asked = command(folder, row, contender, options)
    cpus = set(sorted(os.sched_getaffinity(0))[:row.cpus])
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WEFT_")}
    try:
        done = subprocess.run(asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=LONGEST,
                              stdin=subprocess.DEVNULL, env=environment, preexec_fn=pin(cpus))
    except subprocess.TimeoutExpired:
        raise Failure(f"{' '.join(asked)}: not done after {LONGEST} s") from None
    if done.returncode == IMPOSSIBLE:
        return None
    if done.returncode != 0:
        raise Failure(f"{' '.join(asked)}: exit code {done.returncode}\n{done.stderr.strip()}")
    try:
        return json.loads(done.stdout)
    except ValueError:
        raise Failure(f"{' '.join(asked)}: not JSON: {done.stdout!r}") from None


def possible(folder, row, contender, options):
    """Whether it is worth asking: the program is there, has the workload, and there is memory for it."""
    program = folder / contender.program
    if not program.exists():
        return False
    if program not in possible.lists:
        listed = subprocess.run([program, "--list"], stdout=subprocess.PIPE, text=True, timeout=LONGEST)
        possible.lists[program] = set(listed.stdout.split())
    return row.workload in possible.lists[program]


possible.lists = {}


def measure_row(folder, row, options, errors):
    """{contender's name: [figures of each repetition]}. A contender that fails is left out from then on, and told.
    After options.row_seconds no repetition begins but the first few."""
    if row.memory_gib > machine.memory_gib("MemAvailable"):
        print(f"{row.name}: left out: {row.memory_gib} GiB of memory are not free", file=sys.stderr)
        return {}
    taking_part = [one for one in row.contenders if possible(folder, row, one, options)]
    found = {one.name: [] for one in taking_part}
    order = random.Random(options.seed)
    started = time.monotonic()
    for done in range(options.repetitions):
        if done >= FEWEST and time.monotonic() - started > options.row_seconds:
            break
        order.shuffle(taking_part)
        for one in list(taking_part):
            try:
                figures = measure(folder, row, one, options)
            except Failure as failure:
                errors.append(f"{row.name}, {one.name}: {failure}")
                figures = None
            if figures is None:
                taking_part.remove(one)
                del found[one.name]
            else:
                found[one.name].append(figures)
    return found
