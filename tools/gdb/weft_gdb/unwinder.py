"""Fibers that do not run, as frames of GDB: an unwinder that says the caller of the selected thread's innermost frame is the
fiber, where it left off. No register is written, so there is nothing to restore, and a core will do.

Frame 0 stays the thread's own; the fiber's begin with 1.
"""
import gdb
import gdb.unwinder

from .layout import WeftError


class _FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class _FiberUnwinder(gdb.unwinder.Unwinder):
    def __init__(self):
        super().__init__("weft fiber")
        self.fiber = None
        self.thread = None

    def __call__(self, pending):
        fiber = self.fiber
        if fiber is None or pending.level() != 0 or gdb.selected_thread().ptid != self.thread:
            return None
        word = pending.read_register("rsp").type
        # Below the fiber's frames, wherever the thread's own stack lies: a chain that does not go upwards would be refused.
        info = pending.create_unwind_info(_FrameId(gdb.Value(fiber.sp - 16).cast(word), gdb.Value(fiber.pc).cast(word)))
        for name, value in (("rsp", fiber.sp), ("rbp", fiber.fp), ("rip", fiber.pc)):
            info.add_saved_register(name, gdb.Value(value).cast(word))
        return info


_unwinder = _FiberUnwinder()


def register():
    if not hasattr(gdb.PendingFrame, "level"):
        raise WeftError("this gdb is too old: version 11 or later is needed")
    gdb.unwinder.register_unwinder(None, _unwinder, replace=True)
    gdb.events.cont.connect(lambda _: drop())


def selected():
    return _unwinder.fiber


def select(fiber):
    """Until drop(): the frames of the selected thread are those of the fiber."""
    _unwinder.fiber, _unwinder.thread = fiber, gdb.selected_thread().ptid
    gdb.invalidate_cached_frames()
    first = gdb.newest_frame().older()
    if first is None or int(first.pc()) != fiber.pc:
        drop()
        raise WeftError(f"gdb does not find the frames of {fiber.id}, which was left at {fiber.pc:#x}")
    first.select()


def drop():
    if _unwinder.fiber is not None:
        _unwinder.fiber = None
        gdb.invalidate_cached_frames()


class frames_of:
    """The newest frame of a fiber that does not run; thread and frame are as before afterwards."""

    def __init__(self, fiber):
        self._fiber, self._before = fiber, _unwinder.fiber

    def __enter__(self):
        self._level = gdb.selected_frame().level()
        select(self._fiber)
        return gdb.selected_frame()

    def __exit__(self, *_):
        drop()
        if self._before is not None:
            select(self._before)
        if self._level:
            gdb.execute(f"frame {self._level}", to_string=True)
