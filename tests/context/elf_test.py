#!/usr/bin/env python3
"""What binaries say about themselves: stacks are not executable, and no shadow stack is promised, which the switches do
not keep (x86: SHSTK, AArch64: GCS). One unmarked object is enough for a linker to leave the mark out; the switches' own objects are that one.

usage: elf_test.py FILE...     linked files, and libweft.a; exit codes: 0 passed, 1 failed, 77 no readelf
"""
import re
import shutil
import subprocess
import sys


# The switches' objects by the beginning of their names: what their note must say, and what no note may.
SWITCHES = {"x86_64_": ("IBT", "SHSTK"), "i386_": ("IBT", "SHSTK"), "aarch64_": ("BTI", "GCS")}


def complaints_about_linked(path):
    text = readelf("-lnW", path)
    stack = re.search(r"GNU_STACK\s+(?:0x[0-9a-f]+\s+){5}(\w+)", text)
    if not stack or stack[1] != "RW":
        yield f"GNU_STACK is {stack[1] if stack else 'absent'}, want RW"
    for mark in ("SHSTK", "GCS"):
        if re.search(rf"feature: .*\b{mark}\b", text):
            yield f"is marked {mark}"


def complaints_about_archive(path):
    for member in re.split(r"^File: ", readelf("-SnW", path), flags=re.M)[1:]:
        name = member.splitlines()[0]
        stack = re.search(r"\.note\.GNU-stack\s+PROGBITS\s+(?:[0-9a-f]+\s+){4}(\w*)", member)
        if not stack or "X" in stack[1]:
            yield f"{name}: no .note.GNU-stack, or an executable one"
        for begin, (wanted, unwanted) in SWITCHES.items():
            notes = re.findall(r"feature: .*", member)
            if re.search(rf"\({begin}", name) and (wanted not in str(notes) or unwanted in str(notes)):
                yield f"{name}: want {wanted} and not {unwanted}, has: {notes}"


def readelf(options, path):
    return subprocess.run(["readelf", options, path], text=True, check=True, stdout=subprocess.PIPE).stdout


def complaints(path):
    return complaints_about_archive(path) if path.endswith(".a") else complaints_about_linked(path)


def main():
    if not shutil.which("readelf"):
        print("skipped: no readelf")
        return 77
    wrong = [f"{path}: {what}" for path in sys.argv[1:] for what in complaints(path)]
    print(*wrong, f"elf test: end, {len(sys.argv) - 1} files, {len(wrong)} wrong", sep="\n")
    return 1 if wrong or len(sys.argv) < 2 else 0


if __name__ == "__main__":
    sys.exit(main())
