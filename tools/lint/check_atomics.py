#!/usr/bin/env python3
"""Atomics come through weft/base/atomic.hpp, and every memory order says why it is what it is.

An order other than relaxed names its partner: a comment with "pairs" or "partner" on the same line, on the three
lines before it, or before that without a break in the comment. A relaxed order has a comment with "relaxed:" there.
The failure order of a compare-exchange whose success order is explained needs no comment of its own.
"""

import re

import cpp_text

DOOR = "include/weft/base/atomic.hpp"
REACH = 3
_FORBIDDEN = re.compile(
    r"\bstd\s*::\s*(atomic\w*|memory_order\w*|kill_dependency)\b|#\s*include\s*<(atomic|stdatomic\.h)>"
    r"|\b(__atomic_\w+|__sync_\w+)\s*\(")
_ORDER = re.compile(r"\bmemory_order(?:_|\s*::\s*)(relaxed|consume|acquire|release|acq_rel|seq_cst)\b")
_PARTNER = re.compile(r"\b(pairs?|partners?)\b", re.I)
_RELAXED = re.compile(r"\brelaxed\b[^:\n]*:", re.I)


def comment_near(comments, code, line):
    """The comments on the line itself and the REACH before it, and all of a comment block that begins earlier."""
    first = max(0, line - REACH)
    while first > 0 and comments[first].strip() and comments[first - 1].strip() and not code[first - 1].strip():
        first -= 1
    return "\n".join(comments[first:line + 1])


def check(root):
    problems, count = [], 0
    for path in cpp_text.sources(root, "include", "src", "tools/weft"):
        count += 1
        if path.as_posix() == DOOR:
            continue
        code_text, comment_text = cpp_text.split((root / path).read_text(encoding="utf-8"))
        code, comments = code_text.split("\n"), comment_text.split("\n")
        for match in _FORBIDDEN.finditer(code_text):
            line = code_text.count("\n", 0, match.start()) + 1
            problems.append(f"{path}:{line}: '{match.group().strip()}' outside {DOOR}")
        for number, text in enumerate(code):
            orders = _ORDER.findall(text)
            if not orders:
                continue
            near = comment_near(comments, code, number)
            strict = [order for order in orders if order != "relaxed"]
            statement = "\n".join(code[max(0, number - 2):number + 1])
            explained = bool(_PARTNER.search(near))
            if strict and not explained:
                problems.append(f"{path}:{number + 1}: memory_order_{strict[0]} names no partner (\"pairs with ...\")")
            if "relaxed" in orders and not _RELAXED.search(near):
                if not ("compare_exchange" in statement and explained):
                    problems.append(f"{path}:{number + 1}: memory_order_relaxed does not say why (\"relaxed: ...\")")
    return count, problems


if __name__ == "__main__":
    cpp_text.main(check, "atomics")
