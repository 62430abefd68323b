#!/usr/bin/env python3
"""Puts the tests of shares (shard.py) in the place of the shares, in the JUnit report of the ctest that ran them.

usage: merge_shares.py FOLDER REPORT.xml     FOLDER: where each share left <its name>.xml

A share that left no report stays what ctest says of it."""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder, path = map(pathlib.Path, sys.argv[1:])
    report = ElementTree.parse(path)
    whole = report.getroot()
    for place in list(whole.findall("testcase")):
        share = folder / f"{place.get('name')}.xml"
        if not share.exists():
            continue
        cases = ElementTree.parse(share).getroot()
        failed = int(cases.get("failures"))
        if place.get("status") == "fail" and failed == 0:
            continue  # something else is wrong with it, and ctest has the words
        whole.remove(place)
        whole.extend(cases)
        for number, mine, instead in (("tests", 1, len(cases)), ("failures", place.get("status") == "fail", failed),
                                      ("skipped", place.find("skipped") is not None, int(cases.get("skipped")))):
            whole.set(number, str(int(whole.get(number)) - mine + instead))
    report.write(path, encoding="utf-8", xml_declaration=True)


if __name__ == "__main__":
    main()
