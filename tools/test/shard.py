#!/usr/bin/env python3
"""Runs a share of a GoogleTest program's tests in one process, where a process for each would cost more than the tests do:
under a sanitizer, under an emulator.

usage: shard.py [option]... -- PROGRAM...     PROGRAM: with an emulator before it, if it needs one

  --prefix TEXT     before the name of each test in the report, as ctest has it
  --share I/N       of the tests, listed in the order of the program, each N-th from the I-th on (from 0)
  --only REGEX, --except REGEX
                    of the full names, prefix included; what does not match, or does, is left out
  --alone REGEX     tests that need a process of their own
  --timeout SECONDS how long one test may take
  --report FILE     JUnit report, with a case for each test

A test that ends the process fails, and those after it are run by another. What no test was seen to end with counts as
failed, too: an exit code of 0 alone is not believed. The exit code is 0 when no test failed and the program has one at all."""

import argparse
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

# Not from the beginning of a line: a test may leave its last one open.
BEGUN = re.compile(r"\[ RUN      \] (\S+)$")
ENDED = re.compile(r"\[(       OK |  FAILED  |  SKIPPED )\] (\S+?)(?:, where .*)? \((\d+) ms\)$")
ABORTED_AFTER = 20  # seconds that a program told to abort may take to say why
POLL = 0.05


class Case:
    def __init__(self, name):
        self.name, self.outcome, self.seconds, self.output, self.why = name, "", 0.0, "", ""


def environment():
    """What whoever calls wants of another program's tests is not for this one."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GTEST_")}


def list_tests(program):
    """Full names, in the order of the program; those disabled are no tests."""
    run = subprocess.run([*program, "--gtest_list_tests"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                         timeout=120, check=False, env=environment())
    if run.returncode != 0:
        sys.exit(f"shard.py: {program[-1]} does not list its tests: exit code {run.returncode}")
    names, suite = [], ""
    for line in run.stdout.splitlines():
        line = line.split("#")[0].rstrip()
        if line and not line.startswith(" "):
            suite = line
        elif line and "DISABLED_" not in suite + line:
            names.append(suite + line.strip())
    return names


class Reader:
    """Follows a program's output and says which test runs."""

    def __init__(self, file, cases):
        self.file, self.cases, self.rest = file, cases, ""
        self.running, self.since = None, time.monotonic()

    def follow(self):
        text = self.rest + self.file.read()
        *lines, self.rest = text.split("\n")
        for line in lines:
            line = line.removesuffix("\r")  # of programs for Windows
            begun, ended = BEGUN.search(line), ENDED.search(line)
            if begun:
                self.running, self.since = self.cases.get(begun[1]), time.monotonic()
            elif ended and self.running is not None and ended[2] == self.running.name:
                self.running.outcome = {"O": "passed", "F": "failed", "S": "skipped"}[ended[1].strip()[0]]
                self.running.seconds = int(ended[3]) / 1000
                self.running, self.since = None, time.monotonic()
            elif self.running is not None:
                self.running.output += line + "\n"

    def end(self):
        self.follow()
        if self.running is not None and self.rest:
            self.running.output += self.rest + "\n"


def how(status):
    return f"ended by {signal.Signals(-status).name}" if status < 0 else f"exit code {status}"


def end(process):
    """With all that it has started; nothing is left behind, also when this program is interrupted."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def follow_to_end(process, reader, timeout):
    """Returns what it got stuck in, or nothing."""
    stuck = ""
    try:
        while process.poll() is None:
            time.sleep(POLL)
            reader.follow()
            if time.monotonic() - reader.since > timeout:
                stuck = f"took longer than {timeout} s"
                process.send_signal(signal.SIGABRT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(ABORTED_AFTER)
                break
    finally:
        end(process)
    reader.end()
    return stuck


def run_once(program, cases, timeout):
    """Runs the cases in one process. Returns what is to be said of the process itself, or nothing."""
    with tempfile.TemporaryFile("w+", errors="replace") as sink:
        with open(f"/proc/self/fd/{sink.fileno()}", errors="replace", newline="\n") as source:
            process = subprocess.Popen([*program, "--gtest_filter=" + ":".join(cases)], stdin=subprocess.DEVNULL,
                                       stdout=sink, stderr=subprocess.STDOUT, env=environment(), start_new_session=True)
            reader = Reader(source, cases)
            stuck = follow_to_end(process, reader, timeout)
            sink.seek(0)
            everything = sink.read()[-8000:]
    if reader.running is not None:
        reader.running.outcome, reader.running.why = "failed", stuck or how(process.returncode)
        return ""
    if stuck or (process.returncode != 0 and all(case.outcome != "failed" for case in cases.values())):
        return f"{stuck or how(process.returncode)} between tests or after them\n{everything}"
    if process.returncode == 0 and not all(case.outcome for case in cases.values()):
        return f"exit code 0 before all tests had run\n{everything}"
    return ""


def run_all(program, cases, timeout, alone, write):
    """Leaves the outcomes in the cases, and calls write() after each process."""
    for case in [case for case in cases.values() if alone(case.name)]:
        run_together(program, cases, {case.name: case}, timeout, write)
    run_together(program, cases, {name: case for name, case in cases.items() if not case.outcome}, timeout, write)


def run_together(program, cases, left, timeout, write):
    """In one process, as long as no test ends it. Adds to the cases what is to be said of the program itself."""
    while left:
        trouble = run_once(program, left, timeout)
        after = {name: case for name, case in left.items() if not case.outcome}
        if trouble:
            whole = Case("(the program)")
            whole.outcome, (whole.why, whole.output) = "failed", trouble.split("\n", 1)
            cases[whole.name + str(len(cases))] = whole
        if len(after) == len(left):  # nothing ran: it would go on so forever
            for case in after.values():
                case.outcome, case.why = "failed", "was not run"
            after = {}
        write()
        left = after


def report(cases, prefix, path):
    """Whole at each moment: whoever is ended in the middle leaves what is known by then, and the rest as failed."""
    count = {what: sum((case.outcome or "failed") == what for case in cases) for what in ("passed", "failed", "skipped")}
    suite = ElementTree.Element("testsuite", name=prefix, tests=str(len(cases)), failures=str(count["failed"]),
                                skipped=str(count["skipped"]), disabled="0")
    for case in cases:
        outcome = case.outcome or "failed"
        status = {"passed": "run", "failed": "fail", "skipped": "notrun"}[outcome]
        element = ElementTree.SubElement(suite, "testcase", name=prefix + case.name, classname=prefix + case.name,
                                         time=f"{case.seconds:.3f}", status=status)
        if outcome == "failed":
            ElementTree.SubElement(element, "failure", message=case.why if case.outcome else "was not run")
        if outcome == "skipped":
            ElementTree.SubElement(element, "skipped", message="SKIP_REGULAR_EXPRESSION_MATCHED")
        ElementTree.SubElement(element, "system-out").text = re.sub(r"[^\t\n -\ud7ff]", "?", case.output)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    ElementTree.ElementTree(suite).write(unfinished, encoding="utf-8", xml_declaration=True)
    unfinished.replace(path)
    return count


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    options = argparse.ArgumentParser(usage=__doc__)
    for name in ("--prefix", "--only", "--except", "--alone"):
        options.add_argument(name, default="")
    options.add_argument("--share", default="0/1")
    options.add_argument("--timeout", type=float, default=300)
    options.add_argument("--report", type=pathlib.Path, required=True)
    options.add_argument("program", nargs="+")
    asked = options.parse_args()
    asked.report.unlink(missing_ok=True)
    index, of = map(int, asked.share.split("/"))
    without = getattr(asked, "except")
    names = [name for name in list_tests(asked.program)
             if re.search(asked.only, asked.prefix + name) and not (without and re.search(without, asked.prefix + name))]
    cases = {name: Case(name) for name in names[index::of]}
    run_all(asked.program, cases, asked.timeout,
            lambda name: asked.alone and re.search(asked.alone, asked.prefix + name),
            lambda: report(list(cases.values()), asked.prefix, asked.report))
    cases = list(cases.values())
    count = report(cases, asked.prefix, asked.report)
    for case in cases:
        if case.outcome == "failed":
            print(f"FAILED: {asked.prefix}{case.name} {case.why}\n{case.output}")
    print(", ".join(f"{number} {what}" for what, number in count.items()))
    return 0 if count["failed"] == 0 and names else 1


if __name__ == "__main__":
    sys.exit(main())
