"""What GDB knows of the process: its memory, its threads, the time."""
import time

import gdb

from . import fibers
from .layout import SYMBOL, Layout, Memory, WeftError

# Where the stack pointer and what the worker calls current may belong to different fibers.
_SWITCH_SITES = ("worker::leave", "worker::yield_running", "worker::enter_called", "worker::run_from", "worker::stack_main")


def memory():
    inferior = gdb.selected_inferior()
    return Memory(lambda address, size: inferior.read_memory(address, size).tobytes())


def _layout_address():
    if gdb.selected_thread() is None:
        raise WeftError("there is no process and no core")
    try:
        return int(gdb.parse_and_eval(f"(unsigned long)&{SYMBOL}"))
    except gdb.error:
        raise WeftError(f"no symbol {SYMBOL}: the program is not linked with weft, has not loaded it yet, or is stripped (give gdb"
                        " the file with its symbols: symbol-file; libweft.so has it in any case)") from None


def _is_live():
    """A process of this machine: its clock is ours."""
    connection = getattr(gdb.selected_inferior(), "connection", None)
    return connection is not None and connection.type == "native"


def thread_of(worker):
    """The thread of gdb that runs it, or None."""
    for thread in gdb.selected_inferior().threads():
        if thread.is_valid() and worker.thread in (thread.ptid[1], thread.ptid[2]):
            return thread
    return None


class kept_selection:
    """Thread and frame are selected again at the end."""

    def __enter__(self):
        self._thread = gdb.selected_thread()
        self._level = gdb.selected_frame().level() if hasattr(gdb.Frame, "level") else 0
        return self

    def __exit__(self, *_):
        if self._thread is not None and self._thread.is_valid():
            self._thread.switch()
            if self._level:
                gdb.execute(f"frame {self._level}", to_string=True)


def _look_at_threads(workers):
    with kept_selection():
        for worker in workers:
            thread = thread_of(worker) if worker.thread else None
            if thread is None or thread.is_running():
                continue
            thread.switch()
            frame = gdb.newest_frame()
            worker.sp = int(frame.read_register("rsp"))
            names = [frame.name() or ""] + ([frame.function().name] if frame.function() else [])
            worker.switching = any(site in name for site in _SWITCH_SITES for name in names)


def snapshot():
    """All fibers as they are now."""
    found = memory()
    try:
        layout = Layout.read(found, _layout_address())
        workers = fibers.workers_of(layout, found)
        _look_at_threads(workers)
        return fibers.Snapshot(layout, found, workers, time.monotonic_ns() if _is_live() else None)
    except gdb.MemoryError as error:
        raise WeftError(f"the fibers cannot be read: {error}") from None


_sites = {}


def site(address):
    """Function and line of a return address."""
    if address == 0:
        return "?"
    if address not in _sites:
        _sites[address] = _look_up(address)
    return _sites[address]


def _look_up(address):
    block = gdb.current_progspace().block_for_pc(address - 1)
    while block is not None and block.function is None:
        block = block.superblock
    line = gdb.find_pc_line(address - 1)
    if block is not None and line.symtab is not None:
        return f"{block.function.print_name} at {line.symtab.filename}:{line.line}"
    text = gdb.execute(f"info symbol {address - 1:#x}", to_string=True).strip()
    return f"{address:#x}" if text.startswith("No symbol") else text.split(" in section ")[0]
