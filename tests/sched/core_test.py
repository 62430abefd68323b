#!/usr/bin/env python3
"""An exception that nobody catches leaves a core in which a debugger sees where it was thrown: nothing was unwound.

usage: core_test.py GDB PROGRAM        PROGRAM: core_main.cpp
Exit codes: 0 passed, 1 failed, 77 the kernel leaves no core in the program's folder (/proc/sys/kernel/core_pattern, ulimit -c).
"""
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

# Innermost first, with anything in between.
CHAIN = ("abort", "std::terminate", "__cxa_throw", "core_throws", "core_inner", "core_outer", "run_detached", "weft_context_entry")
GDB_OPTIONS = ("-nx", "-batch", "-iex", "set debuginfod enabled off", "-ex", "set confirm off")


def core_of_kernel(program, folder):
    def unlimited():
        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (most, most))

    done = subprocess.run([program], cwd=folder, preexec_fn=unlimited, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if "terminate in fiber 'thrower'" not in done.stderr:
        sys.exit(f"the report does not name the fiber: {done.stderr}")
    if done.returncode != -6:
        sys.exit(f"the program ended with {done.returncode}, not by SIGABRT")
    return next((path for path in Path(folder).glob("core*") if path.stat().st_size > 0), None)


def main(gdb, program):
    program = str(Path(program).resolve())
    with tempfile.TemporaryDirectory() as folder:
        core = core_of_kernel(program, folder)
        if core is None:
            print("skipped: the kernel leaves no core in the program's folder")
            return 77
        print("core:", core.name, core.stat().st_size, "bytes")
        text = subprocess.run([gdb, *GDB_OPTIONS, "-ex", "bt 100", program, str(core)], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL).stdout
    frames = re.findall(r"^#\d+ .*", text, flags=re.M)
    at = 0
    for name in CHAIN:
        at = next((n for n, frame in enumerate(frames) if n >= at and name in frame), None)
        if at is None:
            print(f"no {name} where it should be in:", text, sep="\n")
            return 1
    if at != len(frames) - 1 or "Backtrace stopped" in text:
        print("the chain does not end in the entry of the fiber:", text, sep="\n")
        return 1
    print(f"core test: end, {len(frames)} frames, all of {len(CHAIN)} names found")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
