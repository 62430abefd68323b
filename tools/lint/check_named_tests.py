#!/usr/bin/env python3
"""The tests that the documentation names are there.

A page that says what proves a promise writes `Suite.Name`; `Suite.Name...` and `Suite.Na*` stand for all that begin so.
"""

import re

import cpp_text

_TEST = re.compile(r"\b(?:TYPED_)?TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)")
_NAMED = re.compile(r"`([A-Z]\w+\.(?:[A-Z]\w*)?)(\.\.\.|\*)?`")


def check(root):
    tests = set()
    for path in cpp_text.sources(root, "tests"):
        tests.update(".".join(found) for found in _TEST.findall((root / path).read_text(encoding="utf-8")))
    problems, count = [], 0
    for path in sorted(root.glob("*.md")) + sorted((root / "docs").rglob("*.md")):
        count += 1
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            for name, and_more in _NAMED.findall(line):
                if not (any(t.startswith(name) for t in tests) if and_more else name in tests):
                    problems.append(f"{path.relative_to(root).as_posix()}:{number}: there is no test {name}{and_more}")
    return count, problems


if __name__ == "__main__":
    cpp_text.main(check, "named tests")
