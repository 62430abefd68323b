#!/usr/bin/env python3
"""Writes the table of docs/platforms.md: for each processor and group of tests, what passed, failed and was skipped.

usage: platforms.py NAME=REPORT...     NAME: a processor; REPORT: the tests.xml that ./dev test leaves in the build folder
Rows of processors that are not named stay as they are. The table stands between two comments in the page.
"""
import collections
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "platforms.md"
BEGIN, END = "<!-- table: tools/abi/platforms.py -->", "<!-- end of the table -->"
HEAD = ["| processor | group | passed | failed | skipped |", "|---|---|---|---|---|"]


def outcome(case):
    if case.get("status") == "disabled" or case.get("status") == "notrun" or case.find("skipped") is not None:
        return "skipped"
    return "passed" if case.get("status") == "run" and case.find("failure") is None else "failed"


def rows(processor, report):
    """Sorted lines of one processor; the group is what stands before the first dot of a test's name."""
    counts = collections.defaultdict(collections.Counter)
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        counts[case.get("name").split(".")[0]][outcome(case)] += 1
    return [f"| {processor} | {group} | {n['passed']} | {n['failed']} | {n['skipped']} |" for group, n in sorted(counts.items())]


def main():
    if len(sys.argv) < 2 or not all("=" in argument for argument in sys.argv[1:]):
        sys.exit(__doc__)
    page = PAGE.read_text(encoding="utf-8")
    before, table, after = re.fullmatch(f"(.*{BEGIN}\n)(.*?)({END}.*)", page, re.S).groups()
    new = dict(argument.split("=", 1) for argument in sys.argv[1:])
    kept = [line for line in table.splitlines()[len(HEAD):] if line.split("|")[1].strip() not in new]
    lines = kept + [row for processor, report in new.items() for row in rows(processor, report)]
    if not lines:
        sys.exit("no tests in the reports")
    PAGE.write_text(before + "\n".join(HEAD + sorted(lines)) + "\n" + after, encoding="utf-8")
    print(*lines, sep="\n")


if __name__ == "__main__":
    main()
