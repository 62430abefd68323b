#!/usr/bin/env python3
"""Builds both switches and the register torture under many compiler flags. For each build: the torture ends with its
marker, and the switches consist of exactly the instructions of golden/x86_64.txt (endbr64 and padding aside). Compilers
instrument functions in many ways; not one instruction of it may get into a switch.

usage: flag_matrix.py --cxx PATH [--work DIR] [--write-golden]
A few builds by default, all with WEFT_SOAK=1 in the environment. Exit codes: 0 passed, 1 failed, 77 nothing could be run.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
GOLDEN = HERE / "golden" / "x86_64.txt"
SOURCES = [ROOT / "src/context/x86_64_sysv.cpp", ROOT / "src/context/x86_64_naked.cpp", ROOT / "src/context/sanitizer.cpp",
           ROOT / "src/base/check.cpp", HERE / "torture_main.cpp", HERE / "x86_64_torture_call.cpp"]

# Builds of the default run: what ships, and as much instrumentation as goes into one build.
FEW = {
    "gcc": ["-O2", "-O1 -fstack-protector-all -finstrument-functions -fprofile-generate -fcf-protection=full"],
    "clang": ["-O2", "-O1 -fstack-protector-all -finstrument-functions -fcf-protection=full --coverage"],
}
LEVELS = [f"-O{level} {frame}" for level in "0123s" for frame in ("-fomit-frame-pointer", "-fno-omit-frame-pointer")]
INSTRUMENTED = [f"{level} {flags}" for level in ("-O0", "-O2") for flags in (
    "-fstack-protector-all", "-fprofile-generate", "--coverage", "-finstrument-functions", "-pg",
    "-fcf-protection=full", "-fcf-protection=branch", "-fcf-protection=none", "-flto", "-fno-exceptions",
    "-fno-exceptions -fno-asynchronous-unwind-tables", "-fpatchable-function-entry=16,8",
    "-fsanitize=address", "-fsanitize=thread", "-fsanitize=undefined", "-ftrivial-auto-var-init=pattern",
    "-fno-pic -no-pie", "-mavx2", "-ffunction-sections -Wl,--gc-sections", "-ftrapv -fwrapv")]
ONLY_GCC = ["-O2 -fzero-call-used-regs=all", "-O2 -fstack-clash-protection -fipa-ra", "-O2 -flto -fwhole-program",
            "-O3 -flto -fprofile-generate", "-O2 -DWEFT_SWITCH_WITH_RET"]
ONLY_CLANG = ["-O2 -flto=thin", "-O2 -fprofile-instr-generate -fcoverage-mapping", "-O2 -DWEFT_SWITCH_WITH_RET"]

# A second stack whose pointer is the thread's: what a build with it has to say.
REFUSED = {"clang": {"-O1 -fsanitize=safe-stack": "cannot be built with SafeStack"}, "gcc": {}}


def builds(family):
    if os.environ.get("WEFT_SOAK") != "1":
        return FEW[family]
    return FEW[family] + LEVELS + INSTRUMENTED + (ONLY_GCC if family == "gcc" else ONLY_CLANG)


def run(command, **options):
    return subprocess.run([str(c) for c in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=300, **options)


def functions(program):
    """{name: [(address, instruction)]} of a linked program."""
    text = run(["objdump", "-d", "--no-show-raw-insn", "-w", program]).stdout
    found, current = {}, None
    for line in text.splitlines():
        if head := re.match(r"[0-9a-f]+ <(.*)>:$", line):
            current = found.setdefault(head[1], [])
        elif current is not None and (body := re.match(r"\s*([0-9a-f]+):\t(.*?)\s*$", line)):
            current.append((int(body[1], 16), body[2]))
    return found


def normal(listing):
    """Text of instructions, with targets inside the listing given by their position, so that it may move."""
    position = {address: i for i, (address, _) in enumerate(listing)}
    lines = []
    for _, text in listing:
        comment = re.search(r"#\s*([0-9a-f]+) <", text)
        text = re.sub(r"\s*#.*", "", text)
        jump = re.match(r"(j\w+)\s+([0-9a-f]+) <", text)
        if jump and int(jump[2], 16) in position:
            text = f"{jump[1]} -> {position[int(jump[2], 16)]}"
        elif comment and int(comment[1], 16) in position:
            text = re.sub(r"0x[0-9a-f]+\(%rip\)", f"{position[int(comment[1], 16)]}", text)
        lines.append(re.sub(r"\s+", " ", text))
    return lines


def is_padding(text):
    return re.match(r"(nop|nopw|nopl|data16|cs nopw|xchg\s+%ax,%ax|ud2|int3|endbr64)\b", text) is not None


def naked(listing):
    """A function without what a compiler may put around an assembly body: landing pad, patchable nops, padding."""
    start, end = 0, len(listing)
    while listing[start][1].startswith("endbr64") or (len(listing) > 30 and is_padding(listing[start][1])):
        start += 1
    while is_padding(listing[end - 1][1]):
        end -= 1
    return normal(listing[start:end])


def inline_switches(all_functions):
    """Every expansion of the inline switch: from the first floating-point save to the landing pad."""
    for name, listing in all_functions.items():
        for i, (_, text) in enumerate(listing):
            if re.match(r"stmxcsr 0x18\(%rdi\)", text):
                end = next((j for j in range(i, min(i + 40, len(listing))) if listing[j][1].startswith("endbr64")), None)
                yield name, normal(listing[i:end + 1]) if end else ["no landing pad"]


def listings(program):
    """{section of the golden file: [(where, lines)]}"""
    found = functions(program)
    result = {name: [(name, naked(found[name]))] for name in ("weft_switch", "weft_naked_entry", "weft_context_entry")
              if name in found}
    result["inline switch"] = list(inline_switches(found))
    return result


def read_golden():
    sections, current = {}, None
    for line in GOLDEN.read_text().splitlines():
        if line.startswith("== "):
            current = sections.setdefault(line[3:], [])
        elif line and not line.startswith("#"):
            current.append(line)
    return sections


def write_golden(found):
    text = "# The instructions of the switches, x86-64. Written by flag_matrix.py --write-golden; read the difference.\n"
    for section, places in found.items():
        text += f"== {section}\n" + "".join(line + "\n" for line in places[0][1])
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(text)


def compile_and_link(flags, work, cxx):
    return run([cxx, "-std=c++20", "-g0", *flags.split(), f"-I{ROOT}/include", f"-I{ROOT}/src", f"-I{ROOT}/tests",
                *SOURCES, "-o", work / "torture", "-pthread", "-Wl,-z,noexecstack"], cwd=work)


def complaints_about_acceptance(flags, reason, work, cxx):
    build = compile_and_link(flags, work, cxx)
    if build.returncode == 0 or reason not in build.stdout:
        return [f"exit {build.returncode} and no '{reason}':\n" + build.stdout[-3000:]]
    return []


def complaints(flags, work, cxx, golden):
    """What is wrong with one build; an empty list when nothing is."""
    program = work / "torture"
    build = compile_and_link(flags, work, cxx)
    if build.returncode != 0:
        return ["does not build:\n" + build.stdout[-3000:]]
    wrong = []
    torture = run([program], cwd=work)
    last = (torture.stdout.strip().splitlines() or ["nothing"])[-1]
    if torture.returncode != 0 or last != "torture: end, all values survived":
        wrong.append(f"torture: exit {torture.returncode}, last line: {last}")
    found = listings(program)
    if len(found["inline switch"]) < 2:
        wrong.append("fewer than two expansions of the inline switch found")
    for section, lines in golden.items():
        if section == "weft_switch" and "WITH_RET" in flags:
            lines = [line for line in lines if line != "pop %rcx"]
            lines = ["ret" if line.startswith("notrack jmp") else line for line in lines]
            lines = [re.sub(r"-> 2(\d)", lambda m: f"-> {int('2' + m[1]) - (1 if int('2' + m[1]) > 23 else 0)}", line)
                     for line in lines]
        if not found.get(section):
            wrong.append(f"{section}: not in the program")
        for where, got in found.get(section, []):
            if got != lines:
                wrong.append(f"{section} in {where} differs:\n  want {lines}\n  got  {got}")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cxx", required=True)
    parser.add_argument("--work", type=pathlib.Path)
    parser.add_argument("--write-golden", action="store_true")
    options = parser.parse_args()
    if not shutil.which("objdump") or not shutil.which(options.cxx):
        print("skipped: needs objdump and a compiler")
        return 77
    family = "clang" if "clang" in run([options.cxx, "--version"]).stdout else "gcc"
    failed = done = 0
    with tempfile.TemporaryDirectory(dir=options.work) as name:
        work = pathlib.Path(name)
        if options.write_golden:
            complaints("-O2", work, options.cxx, {})
            write_golden(listings(work / "torture"))
            return 0
        golden = read_golden()
        checks = [(flags, lambda f: complaints(f, work, options.cxx, golden)) for flags in builds(family)]
        checks += [(flags, lambda f, reason=reason: complaints_about_acceptance(f, reason, work, options.cxx))
                    for flags, reason in REFUSED[family].items()]
        for flags, look in checks:
            wrong = look(flags)
            done += 1
            failed += bool(wrong)
            print(f"{'FAILED' if wrong else 'ok':6} {family} {flags}", *wrong, sep="\n       ", flush=True)
    print(f"flag matrix: end, {done} builds, {failed} failed")
    return 1 if failed or not done else 0


if __name__ == "__main__":
    sys.exit(main())
