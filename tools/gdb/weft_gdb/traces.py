"""Backtraces of many fibers. GDB takes milliseconds to unwind one; most fibers of a program have the same. So a trace that is
known is recognized: the same resume address, the same depth of stack, and the same return addresses at the same places.
"""
import gdb

from . import process, unwinder

DEEPEST = 200  # frames
_GLUE = ("std::__invoke", "std::invoke", "std::__apply", "std::apply")
_MOST_BYTES = 64 * 1024  # of a stack that are compared; a deeper one is unwound


class Frame:
    def __init__(self, frame):
        self.name = frame.name() or "??"
        self.pc = int(frame.pc())
        sal = frame.find_sal()
        self.where = f"{sal.symtab.filename}:{sal.line}" if sal.symtab is not None else None

    def __str__(self):
        return f"{self.name} () at {self.where}" if self.where else f"{self.pc:#018x} in {self.name} ()"

    def key(self):
        return (self.name, self.where or self.pc)

    def is_glue(self):
        """Between the entry of a fiber and its function: of the same kind in every trace, and long."""
        return self.name.startswith(_GLUE) or (self.where or "").rpartition(":")[0].endswith("weft/fiber/closure.hpp")


def _walk(frame, memory):
    """The frames from there on, and the places of their return addresses; None for those when they are not where they should be."""
    frames, slots = [], []
    while frame is not None and len(frames) < DEEPEST:
        frames.append(Frame(frame))
        if frame.type() != gdb.INLINE_FRAME:  # that has no frame of its own
            slots.append((int(frame.read_register("rsp")) - 8, int(frame.pc())))
        frame = frame.older()
    slots = slots[1:]  # the innermost one was not called: its pc is the resume address
    try:
        return frames, slots if all(memory.word(at) == pc for at, pc in slots) else None
    except gdb.MemoryError:
        return frames, None


class Traces:
    def __init__(self, memory):
        self._memory = memory
        self._known = {}  # resume address and depth -> [(places relative to the stack pointer, frames)]
        self.unwound = 0

    def of(self, fiber):
        """Its frames, innermost first; none of a fiber that has no stack."""
        while fiber.called:
            fiber = fiber.target
        if fiber.worker is not None:
            return self._of_thread(fiber)
        if fiber.state in ("new", "ended", "lost"):
            return []
        known = self._known.setdefault((fiber.pc, fiber.top - fiber.sp), [])
        for places, frames in known:
            if self._matches(fiber, places):
                return frames
        self.unwound += 1
        with unwinder.frames_of(fiber) as first:
            frames, slots = _walk(first, self._memory)
        if slots is not None:
            places = [(at - fiber.sp, pc.to_bytes(8, "little")) for at, pc in slots]
            if all(0 <= at <= _MOST_BYTES for at, _ in places):
                known.append((places, frames))
        return frames

    def _matches(self, fiber, places):
        if not places:
            return True
        try:
            stack = self._memory.read(fiber.sp, max(at for at, _ in places) + 8)
        except gdb.MemoryError:
            return False
        return all(stack[at:at + 8] == pc for at, pc in places)

    def _of_thread(self, fiber):
        thread = process.thread_of(fiber.worker)
        if thread is None:
            return []
        with process.kept_selection():
            thread.switch()
            return _walk(gdb.newest_frame(), self._memory)[0]


def grouped(snapshot, fibers, memory):
    """[(frames, [fibers])], the most frequent first. Equal are fibers in the same functions and lines, for the same reason."""
    traces, groups = Traces(memory), {}
    for fiber in fibers:
        frames = traces.of(fiber)
        key = (fiber.state, fiber.waits_for, tuple(frame.key() for frame in frames))
        groups.setdefault(key, (frames, []))[1].append(fiber)
    return sorted(groups.values(), key=lambda group: (-len(group[1]), group[1][0].number))
