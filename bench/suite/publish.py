#!/usr/bin/env python3
"""Puts a run's results where they are shown: tables into README.md and docs/performance.md, charts into docs/images.

usage: publish.py RESULTS     RESULTS: the folder of a whole run: results.json and charts/
The tables stand between two comments in each page. Charts that are no longer shown are left: git tells which.
"""
import re
import sys
from pathlib import Path

import results
import tables

SOURCE = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- results of bench/suite/publish.py -->", "<!-- end of results -->"
# The README shows a row for each thing users ask about first; docs/performance.md shows all.
FIRST = ("yield-2", "yield-1000", "spawn-join-1w", "spawn-batch-2w", "parked-1000000", "ping-channel-1w", "many-channel-2w",
         "lock-contended-2w", "skynet-channel-2w", "fib-2w", "post", "wake", "echo-64", "echo-1000")


def charts(document):
    """The names of the charts that pages show, without ending."""
    return ["summary"] + [f"growth-{one}" for one in ("yield",)] + [row["name"] for row in document["rows"] if row["name"] in FIRST]


def filled(page, content):
    """The page with the content between its comments."""
    before, separator, rest = page.partition(BEGIN)
    _, ending, after = rest.partition(END)
    if not separator or not ending:
        sys.exit(f"publish: no '{BEGIN}' and '{END}' in the page")
    return before + BEGIN + "\n\n" + content.strip() + "\n\n" + END + after


def readme_part(document):
    short = dict(document, rows=[row for row in document["rows"] if row["name"] in FIRST])
    return tables.heading(document) + "\n\n" + tables.goals(short) + "\n\n![all ratios](docs/images/summary.svg)"


def details_part(document):
    shown = [f"![{name}](images/{name}.svg)" for name in charts(document)]
    return tables.heading(document) + "\n\n" + tables.goals(document) + "\n\n" + "\n".join(shown)


def publish(folder, source):
    document = results.read(folder / "results.json")
    images = source / "docs" / "images"
    images.mkdir(exist_ok=True)
    for name in charts(document):
        drawn = folder / "charts" / f"{name}.svg"
        if not drawn.exists():
            sys.exit(f"publish: {drawn} is missing: not a whole run, or one without charts")
        # Matplotlib ends lines of its paths with blanks.
        (images / drawn.name).write_text(re.sub(r"[ \t]+$", "", drawn.read_text(), flags=re.M))
    for page, part in ((source / "README.md", readme_part), (source / "docs/performance.md", details_part)):
        page.write_text(filled(page.read_text(), part(document)))


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    publish(Path(sys.argv[1]), SOURCE)
