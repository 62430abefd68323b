#!/usr/bin/env python3
"""weft's benchmark suite: contenders take turns at every workload; tables, JSON and charts come out."""

import argparse
import math
import re
import sys
import time
from pathlib import Path

import comparison
import echo
import machine
import micro
import plan
import results
import tables
import turns

SOURCE = Path(__file__).resolve().parents[2]


def parse(arguments):
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__.split("\n")[0],
                                     formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="Results: results.json, results.md and charts/ in the output folder.")
    parser.add_argument("--build", type=Path, default=SOURCE / "build/bench", help="the folder of the built programs")
    parser.add_argument("--output", type=Path, help="folder of the results; default: results/ in that of the build")
    parser.add_argument("--only", metavar="NAME", default="",
                        help="only rows whose name, or workload, matches this regular expression; several with commas")
    parser.add_argument("--list", action="store_true", help="print the names of the rows and end")
    parser.add_argument("--quick", action="store_true", help="smaller sizes and shorter measurements: at most ten minutes")
    parser.add_argument("--repetitions", type=int, metavar="N", help="of each contender; default 7")
    parser.add_argument("--milliseconds", type=int, metavar="N", help="of each measurement; default 200 (--quick: 50)")
    parser.add_argument("--row-seconds", type=int, metavar="N", help="after this time a row ends with fewer repetitions, but "
                        "not with fewer than three; default: no limit (--quick: 4)")
    parser.add_argument("--seed", type=int, default=1, help="of the orders in which contenders take turns")
    parser.add_argument("--compare", type=Path, metavar="OLD.json",
                        help="tell what got slower since that run; exit code 3 if anything did")
    parser.add_argument("--with", dest="new", type=Path, metavar="NEW.json",
                        help="with --compare: these results instead of a new run")
    parser.add_argument("--no-charts", action="store_true")
    options = parser.parse_args(arguments)
    if options.new and not options.compare:
        parser.error("--with goes with --compare")
    if options.repetitions is not None and options.repetitions < 1:
        parser.error("--repetitions: 1 or more")
    if options.row_seconds is not None and options.row_seconds < 0:
        parser.error("--row-seconds: 0 or more")
    if options.milliseconds is not None and options.milliseconds < 1:
        parser.error("--milliseconds: 1 or more")
    try:
        options.only = re.compile(options.only.replace(",", "|"))
    except re.error as failure:
        parser.error(f"--only: {failure}")
    options.repetitions = options.repetitions or 7
    options.milliseconds = options.milliseconds or (50 if options.quick else 200)
    if options.row_seconds is None:
        options.row_seconds = 4 if options.quick else math.inf
    options.output = options.output or options.build / "results"
    return options


def chosen_rows(options):
    return [row for row in plan.rows() if not (options.quick and row.slow)
            and (options.only.search(row.name) or options.only.search(row.workload))]


def say(row, started):
    mine, key = results.ours(row), row["figures"][0]["key"]
    others = sorted(((results.median(one, key), one["name"]) for one in row["contenders"] if one is not mine
                     and results.median(one, key) is not None))
    told = [f"{name} {tables.text(value)}" for value, name in others]
    if mine is not None:
        told.insert(0, f"weft {tables.text(results.median(mine, key))}")
    print(f"[{time.monotonic() - started:5.0f} s] {row['name']}: {row['figures'][0]['unit']}: " + ", ".join(told), flush=True)


def measure(options):
    started, failures, rows = time.monotonic(), [], []
    document = {"format": results.FORMAT, "machine": machine.describe(SOURCE, options.build),
                "options": {"quick": options.quick, "repetitions": options.repetitions,
                            "milliseconds": options.milliseconds, "only": options.only.pattern},
                "rows": rows, "failures": failures}

    def add(row, kinds, samples, size=0):
        if any(samples.values()):
            rows.append(results.row_of(row, kinds, samples, size))
            say(rows[-1], started)

    program = options.build / "bench/micro/micro_bench"
    if program.exists():
        for row, samples in micro.measure(program, options):
            add(row, {name: micro.kind_of(name) for name in samples}, samples)
    else:
        print("without the micro workloads: not built (Debian: libbenchmark-dev)")
    folder = options.build / "bench/contenders"
    for row in chosen_rows(options):
        kinds = {one.name: one.kind for one in row.contenders}
        add(row.as_measured(options.quick), kinds, turns.measure_row(folder, row, options, failures), (options.quick and row.quick_size) or row.size)
    for row, kinds, samples in echo.measure(options.build / "bench/echo", options, failures):
        add(row, kinds, samples)
    document["seconds"] = round(time.monotonic() - started)
    return document


def missing_programs(folder):
    known = {one.program: one for row in plan.rows() for one in row.contenders}
    return [f"without {one.name}: not built" + (f" (Debian: {one.package})" if one.package else "")
            for program, one in sorted(known.items()) if not (folder / program).exists()]


def write(document, options):
    options.output.mkdir(parents=True, exist_ok=True)
    results.write(document, options.output / "results.json")
    (options.output / "results.md").write_text(tables.whole(document))
    if options.no_charts:
        return
    try:
        import charts
    except ImportError:
        print("without charts: no Matplotlib (Debian: python3-matplotlib)")
        return
    charts.draw(document, options.output / "charts")


def main(arguments=None):
    options = parse(arguments)
    if options.list:
        print("\n".join(row.name for row in chosen_rows(options)))
        return 0
    old = results.read(options.compare) if options.compare else None  # before the long run, not after it
    if options.new:
        document = results.read(options.new)
    else:
        print(*missing_programs(options.build / "bench/contenders"), sep="\n")
        document = measure(options)
        if not document["rows"]:
            raise turns.Failure(f"nothing was measured: no row matches '{options.only.pattern}', or nothing is built")
        write(document, options)
        print("\n" + tables.goals(document) + f"\n\nresults: {options.output}")
    for one in document["failures"]:
        print(f"FAILED: {one}", file=sys.stderr)
    status = 1 if document["failures"] else 0
    if old is not None:
        told, slower = comparison.compare(old, document)
        print("\n" + told)
        status = status or (3 if slower else 0)
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (turns.Failure, results.Unreadable) as failure:
        sys.exit(f"bench: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
