"""Run by gdb: steps through both switches one instruction at a time (first entry, resumption, both directions, the end of
a context) and demands at every instruction a complete chain of calls, either the host's down to main or the guest's down to the entry.

    gdb -nx -batch -x step_test.py -ex 'quit 3' PROGRAM        PROGRAM: step_main.cpp
Exit codes: 0 passed, 1 a chain was wrong, 77 no process may be traced here, 3 the script itself failed.
"""
import os
import re
import sys

import gdb

sys.dont_write_bytecode = True
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import gdb_steps  # noqa: E402 - found by the line above

LIMIT = 4000  # instructions; some 600 are needed
DEEPEST = 20  # frames


def expected(kind, switch, entry):
    """Chains, innermost first. Inside the inline switch the parked frame is shown as the caller of the one at work."""
    host = rf"(((({switch} )?{kind}_host_turn )({kind}_host_turn )?)?{kind}_host_outer )?main"
    turn = rf"((({switch} )?{kind}_guest_turn )({kind}_guest_turn )?)?{kind}_guest_outer "
    last = rf"({switch} )?{kind}_guest_last ({kind}_guest_last )?"
    guest = rf"(({turn}|{last})?{kind}_guest_entry )?{entry}"
    return re.compile(rf"{host}|{guest}|{switch} {entry}")  # the last one: about to enter for the first time


CHAINS = [expected("naked", "weft_switch", "weft_naked_entry"), expected("inline", "no_function", "weft_context_entry"),
          re.compile(r"(step_begin |step_end )?main")]


def step_through():
    seen, wrong, last = {}, [], ""
    for count in range(LIMIT):
        last = " ".join(gdb_steps.chain(DEEPEST))
        pc = gdb.newest_frame().pc()
        if last.startswith("step_end "):
            return count, seen, wrong
        seen.setdefault(last.split(" ")[0], set()).add(pc)
        if not any(c.fullmatch(last) for c in CHAINS):
            wrong.append(f"{gdb_steps.instruction()}\n    chain: {last}")
        gdb.execute("stepi", to_string=True)
    return LIMIT, seen, wrong + [f"the end was not reached; chain: {last}"]


def main():
    if not gdb_steps.begin_at("step_begin"):
        return 77
    count, seen, wrong = step_through()
    per_function = {name: len(addresses) for name, addresses in sorted(seen.items())}
    gdb_steps.print_wrong(wrong)
    needed = {"weft_switch": 25, "naked_guest_entry": 1, "inline_guest_entry": 1, "weft_naked_entry": 2,
              "weft_context_entry": 3, "inline_host_turn": 18, "inline_guest_turn": 18,
              "naked_guest_last": 3, "inline_guest_last": 12}
    missed = [f"{n}: {per_function.get(n, 0)} < {least}" for n, least in needed.items() if per_function.get(n, 0) < least]
    print("too few instructions stepped:", missed) if missed else None
    print(f"step test: end, {count} instructions, {len(wrong)} wrong; addresses per function: {per_function}")
    return 1 if wrong or missed else 0


gdb.execute(f"quit {main()}")
