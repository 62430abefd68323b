"""Fibers in GDB: see ../weft-gdb.py."""
