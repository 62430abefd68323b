#!/usr/bin/env python3
"""Prints the tests of a JUnit report that failed, each with the end of what it printed.

usage: failures.py SUITE REPORT.xml

A long log is often kept by its end alone: what is printed last should say what failed."""

import sys
import xml.etree.ElementTree

LINES_OF_EACH = 40
TESTS_WITH_OUTPUT = 8


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    suite, path = sys.argv[1:]
    try:
        report = xml.etree.ElementTree.parse(path)
    except (OSError, xml.etree.ElementTree.ParseError) as error:
        print(f"{suite}: no report of its tests: {error}")
        return 0
    failed = [case for case in report.iter("testcase") if case.get("status") == "fail" or case.find("failure") is not None]
    for index, case in enumerate(failed):
        reason = case.find("failure")
        why = reason.get("message") if reason is not None else ""
        print(f"FAILED in {suite}: {case.get('name')} after {case.get('time')} s {why or ''}".rstrip())
        if index < TESTS_WITH_OUTPUT:
            for line in (case.findtext("system-out") or "").splitlines()[-LINES_OF_EACH:]:
                print(f"    {line}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
