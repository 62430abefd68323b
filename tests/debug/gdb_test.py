#!/usr/bin/env python3
"""The commands of tools/gdb/weft-gdb.py, in a process and in its core: 10,000 fibers that wait for different things.

usage: gdb_test.py GDB WEFT_GDB_PY PROGRAM        PROGRAM: fibers_main.cpp
Exit codes: 0 passed, 1 failed, 77 no process may be traced here (the core is looked at only where the kernel leaves one).
"""
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COUNT = 10_000
WAITS = {"debug_locks": "mutex", "debug_waits": "event", "debug_receives": "channel receive", "debug_sleeps": "sleep"}
# Each output between marks, so that what the commands print is not mixed up.
MARK = "==== "
COMMANDS = (
    "info fibers", "weft fibers --limit 5 --state parked", "weft fibers --name joiner", "weft fibers --state running",
    "weft all backtrace", "weft all backtrace --limit 2", "weft backtrace joiner", "weft backtrace main", "weft bt 'number 7'",
    "weft fiber joined backtrace 3", "weft fiber 'number 1000' python print_outer()", "weft backtrace nobody",
    "weft fibers --state sleepy", "weft fiber joiner", "up", "backtrace 2", "weft fiber none", "backtrace 1",
)
# The program's own variable, in a frame of a fiber that does not run.
PRINT_OUTER = """python
def print_outer():
    frame = gdb.selected_frame()
    while frame.name() != "debug_outer": frame = frame.older()
    print("mine is", frame.read_var("mine"))
end
"""
SETTINGS = ("set debuginfod enabled off", "set pagination off", "set confirm off", "set width 0")


class Failure(Exception):
    pass


def expect(condition, what, text):
    if not condition:
        raise Failure(f"{what}, in:\n{text[:4000]}")


def run_gdb(gdb, script, target, folder):
    lines = [*SETTINGS, f"source {script}", PRINT_OUTER]
    for command in COMMANDS:
        # An error does not end the script.
        lines += [f'echo {MARK}{command}\\n', f'python\ntry: gdb.execute("""{command}""")\nexcept gdb.error as e: print("error:", e)\nend']
    commands = Path(folder) / "commands"
    commands.write_text("\n".join([*lines, f"echo {MARK}end\\n"]))
    done = subprocess.run([gdb, "-nx", "-batch", "-iex", SETTINGS[0], *target, "-x", str(commands)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    if "Operation not permitted" in done.stdout or "ptrace:" in done.stdout:
        return None
    outputs = dict(part.split("\n", 1) for part in done.stdout.split(MARK)[1:])
    expect("end" in outputs, "the commands did not come to their end", done.stdout)
    return outputs


def check(outputs):
    check_lists(outputs)
    check_all(outputs["weft all backtrace"])
    check_one(outputs)
    expect("and 5 more stacks" in outputs["weft all backtrace --limit 2"], "--limit of stacks", outputs["weft all backtrace --limit 2"])
    expect("error: weft: no fiber nobody" in outputs["weft backtrace nobody"], "no message", outputs["weft backtrace nobody"])
    expect("no state 'sleepy'" in outputs["weft fibers --state sleepy"], "no message", outputs["weft fibers --state sleepy"])


def check_lists(outputs):
    text = outputs["info fibers"]
    rows = [line for line in text.splitlines() if re.match(r"\d+ ", line)]
    summary = f"{COUNT + 3:,} fibers: 1 running, {COUNT + 2:,} parked"
    expect(text.rstrip().endswith(summary), f"not '{summary}'", text[-4000:])
    numbered = [re.match(r"\d+ +number (\d+) +parked +(mutex|event|channel receive|sleep) +[\d.]+ (?:s|ms|us|ns) +"
                         r"0x[0-9a-f]+-0x[0-9a-f]+ +[\d.]+ (?:B|KiB) +debug_main.*fibers_main.cpp", row) for row in rows]
    found = {int(m[1]): m[2] for m in numbered if m}
    expect(len(rows) == COUNT + 3 and sorted(found) == list(range(COUNT)), f"{len(rows)} rows, {len(found)} as they should be", text)
    wanted = list(WAITS.values())
    expect(all(wait == wanted[n % 4] for n, wait in found.items()), "a fiber waits for the wrong thing", text)
    joined = re.search(r"^(\d+) +joined ", text, flags=re.M)[1]
    expect(f"join (fiber {joined})" in outputs["weft fibers --name joiner"], "the joiner", outputs["weft fibers --name joiner"])
    expect(re.search(r"main +running on worker \d+ \(LWP \d+\)", outputs["weft fibers --state running"]), "main",
           outputs["weft fibers --state running"])
    limited = outputs["weft fibers --limit 5 --state parked"]
    expect(f"and {COUNT + 2 - 5:,} more fibers" in limited and len(limited.strip().splitlines()) == 8, "--limit", limited)


def check_all(text):
    """Each group: its first line, and the functions in their order."""
    groups = text.strip().split("\n\n")
    for function, wait in WAITS.items():
        wanted = [g for g in groups if re.match(rf"{COUNT // 4:,} fibers parked waiting for {wait}, up to ", g)]
        expect(len(wanted) == 1, f"no group of {COUNT // 4} for {wait}", text)
        names = re.findall(r"^  #\d+ .*", wanted[0], flags=re.M)
        chain_in(names, ("worker::leave", function, "debug_outer", "worker::stack_main", "weft_context_entry"))
    expect(len(groups) == 8, f"{len(groups) - 1} groups, not 7", text)


def chain_in(frames, names):
    at = 0
    for name in names:
        at = next((n for n, frame in enumerate(frames) if n >= at and name in frame), None)
        expect(at is not None, f"no {name} where it should be", "\n".join(frames))
    expect(at == len(frames) - 1, f"{names[-1]} is not the last one", "\n".join(frames))


def check_one(outputs):
    def frames(command):
        return [line for line in outputs[command].splitlines() if line.startswith("#")]
    joiner = outputs["weft backtrace joiner"]
    expect(re.match(r"Fiber \d+ 'joiner' fiber#[0-9a-f]+\.\d+: parked, waits for: join", joiner), "the title", joiner)
    chain_in(frames("weft backtrace joiner"), ("worker::leave", "join_wait", "debug_joins", "weft_context_entry"))
    chain_in(frames("weft backtrace main"), ("read", "debug_reads", "debug_main", "weft_context_entry"))
    chain_in(frames("weft bt 'number 7'"), ("debug_sleeps", "debug_outer", "weft_context_entry"))
    expect("mine is 1000\n" in outputs["weft fiber 'number 1000' python print_outer()"], "the variable",
           outputs["weft fiber 'number 1000' python print_outer()"])
    # Selected for several commands, and given up again: the thread's own frames.
    expect("join_wait" in outputs["up"], "the caller of the innermost frame", outputs["up"])
    expect("worker::leave" in outputs["backtrace 2"], "the frames of the selected fiber", outputs["backtrace 2"])
    expect(outputs["backtrace 1"].startswith("#0 ") and "worker::leave" not in outputs["backtrace 1"], "the thread's frames",
           outputs["backtrace 1"])


def start(program, folder):
    def dumpable():
        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (most, most))
    child = subprocess.Popen([program, str(COUNT)], cwd=folder, preexec_fn=dumpable, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    expect(child.stdout.readline() == "ready\n", "the program does not get ready", "")
    end = time.monotonic() + 300
    while not all_threads_sleep(child.pid):  # main is in its read then, and the workers have nothing to do
        expect(time.monotonic() < end, "the program does not come to rest", "")
        time.sleep(0.01)
    return child


def all_threads_sleep(pid):
    return all(stat.read_text().rpartition(")")[2].split()[0] == "S" for stat in Path(f"/proc/{pid}/task").glob("*/stat"))


def main(gdb, script, program):
    program = str(Path(program).resolve())
    with tempfile.TemporaryDirectory() as folder:
        child = start(program, folder)
        try:
            live = run_gdb(gdb, script, ("-p", str(child.pid)), folder)
            if live is not None:
                check(live)
            said, _ = child.communicate("\n", timeout=300)  # it goes on, and all its fibers come to their ends
            expect(child.returncode == 0 and said.startswith("finished"), f"the program ended with {child.returncode}", said)
        finally:
            child.kill()
            child.wait()
        if live is None:
            print("skipped: no process may be traced here")
            return 77
        child = start(program, folder)
        child.send_signal(signal.SIGQUIT)
        child.wait(timeout=300)  # its input stays open meanwhile, and main in its read
        child.communicate()
        core = next((path for path in Path(folder).glob("core*") if path.stat().st_size > 0), None)
        if core is not None:
            check(run_gdb(gdb, script, (program, str(core)), folder))
    print("gdb test: end, a process" + (" and a core" if core is not None else "; the kernel leaves no core in the program's folder"))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except Failure as failure:
        print("failed:", failure)
        sys.exit(1)
