"""Run by gdb: steps one instruction at a time over the ends of fibers, from inside the first to the one that outlives them,
and demands at every instruction a complete chain of calls: down to a fiber's entry, or to the worker's own loop.

    gdb -nx -batch -x fiber_step_test.py -ex 'quit 3' PROGRAM        PROGRAM: fiber_step_main.cpp
Exit codes: 0 passed, 1 a chain was wrong, 77 no process may be traced here, 3 the script itself failed.
"""
import os
import sys

import gdb

sys.dont_write_bytecode = True
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import gdb_steps  # noqa: E402 - found by the line above

LIMIT = 100000  # instructions; some 2500 are needed, or 10000 where nothing is optimized
DEEPEST = 60    # frames
ENTRY, LOOP = "weft_context_entry", "worker::thread_main"
NEEDED = ("worker::stack_main", "worker::round", "worker::idle")  # functions to be stepped through


def missed(functions):
    return [n for n in NEEDED if not any(n in f for f in functions)]


def step_through():
    seen, wrong = {ENTRY: 0, LOOP: 0}, []
    functions = set()
    for count in range(LIMIT):
        names = gdb_steps.chain(DEEPEST)
        if names[0] == "fiber_step_end" and not missed(functions):  # else a sleep was over before its worker slept
            return count, seen, functions, wrong
        functions.update(names)
        in_fiber, in_loop = names[-1] == ENTRY, any(LOOP in n for n in names)
        seen[ENTRY] += in_fiber
        seen[LOOP] += in_loop
        if in_fiber == in_loop:
            wrong.append(f"{gdb_steps.instruction()}\n    chain: {' < '.join(names)}")
        # Reading the clock begins anew when the kernel has moved it meanwhile: one step at a time it never comes to an end.
        gdb.execute("finish" if "clock_gettime" in names[0] else "stepi", to_string=True)
    return LIMIT, seen, functions, wrong + [f"the end was not reached; chain: {' < '.join(names)}"]


def main():
    if not gdb_steps.begin_at("fiber_step_begin", "environment LD_BIND_NOW 1"):  # or the dynamic linker's look-ups are stepped
        return 77
    gdb.execute("set scheduler-locking on", to_string=True)
    count, seen, functions, wrong = step_through()
    gdb_steps.print_wrong(wrong)
    print("never stepped through:", missed(functions)) if missed(functions) else None
    print(f"fiber step test: end, {count} instructions, {len(wrong)} wrong; {seen[ENTRY]} in fibers, {seen[LOOP]} in the loop")
    return 1 if wrong or missed(functions) or not seen[ENTRY] or not seen[LOOP] else 0


gdb.execute(f"quit {main()}")
