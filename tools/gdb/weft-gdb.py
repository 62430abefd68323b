"""Commands of GDB (11 or later) for the fibers of a program: `source weft-gdb.py`, then `help weft`.

They read memory and nothing else: they work in a process that is stopped and in a core, and change neither.
"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(os.path.expanduser(__file__)))))
import weft_gdb.commands  # noqa: E402 - found by the line above

weft_gdb.commands.register()
