"""All fibers of a process, from its memory: records, blocks, stacks, and what state they are in. No part of gdb in here.

| state    | means                                                                              |
|----------|------------------------------------------------------------------------------------|
| running  | a worker's thread is on its stack                                                  |
| runnable | it would go on at once: it has yielded, or its wait is over, and its worker is busy |
| new      | spawned, and not started yet: it has no stack                                      |
| parked   | it waits                                                                           |
| ended    | it has ended, and nobody has joined it yet                                         |
| lost     | started, but its stack is not in this core: nothing is known                       |
"""
import bisect
import struct

STATES = ("running", "runnable", "new", "parked", "ended", "lost")
_U64, _U32, _U16 = (struct.Struct(kind).unpack_from for kind in ("<Q", "<I", "<H"))
_I64 = struct.Struct("<q").unpack_from
LARGEST_CHUNK = 1 << 20  # a larger one is no chunk: the memory is damaged, or not what we think


class Worker:
    """`thread`: what the system calls it, 0 when none runs; `sp`: its stack pointer, None when not known."""

    def __init__(self, number, current, thread, tick, sp=None, switching=False):
        self.number, self.current, self.thread, self.tick, self.sp = number, current, thread, tick, sp
        self.switching = switching  # it is on its way from one stack to another


class Fiber:
    state = "new"
    name = ""
    block = limit = top = lender = joiner = wait_since = 0
    waits_for = None
    target = None   # the fiber that it joins, or that runs on its stack
    worker = None   # whose thread is on its stack

    def __init__(self, layout, chunk, at, number, address):
        self.number, self.address = number, address
        self.generation = _U32(chunk, at + layout.record_generation)[0]
        self.home = _U16(chunk, at + layout.record_home)[0]
        self.flags = _U16(chunk, at + layout.record_flags)[0]
        self.join = _U64(chunk, at + layout.record_join)[0]
        self.spawn_site = _U64(chunk, at + layout.record_spawn_site)[0]
        self.armed = _U64(chunk, at + layout.record_park)[0] & layout.parker_armed != 0
        self.block = _U64(chunk, at + layout.record_block)[0]
        if self.block:
            self.sp, self.fp, self.pc = (_U64(chunk, at + where)[0] for where in (layout.record_sp, layout.record_fp, layout.record_pc))

    @property
    def id(self):
        """As the library prints it."""
        return f"fiber#{self.address:x}.{self.generation}"

    @property
    def called(self):
        """What it joins has been entered by a call, or runs on its stack: that one's frames are the innermost."""
        return self.target is not None and self.target.lender == self.address

    def used(self, worker_sp=None):
        """Bytes of its stack below its frames' upper end."""
        sp = worker_sp if worker_sp is not None else self.sp
        return self.top - sp if self.limit <= sp <= self.top else 0


def workers_of(layout, memory):
    found = []
    while address := memory.word(layout.workers + 8 * len(found)):
        current = memory.word(address + layout.worker_current)
        thread = struct.unpack("<i", memory.read(address + layout.worker_thread, 4))[0]
        tick = struct.unpack("<q", memory.read(address + layout.worker_tick, 8))[0]
        found.append(Worker(len(found), current, thread, tick))
    return found


def _records(layout, memory):
    """(fiber) of each record that is in use, in the order of their numbers."""
    chunks, address = [], memory.word(layout.newest_chunk)
    if not layout.record_bytes < layout.chunk_bytes <= LARGEST_CHUNK:
        raise ValueError("the layout makes no sense")
    while address:
        header = memory.read(address, layout.record_bytes)
        chunks.append(address)
        address = _U64(header, layout.chunk_made_before)[0]
    for index, address in enumerate(reversed(chunks)):
        chunk = memory.read(address, layout.chunk_bytes)
        places = layout.chunk_bytes // layout.record_bytes
        for place in range(1, places):
            at = place * layout.record_bytes
            if _U64(chunk, at + layout.record_ops)[0] == 0:
                continue  # never used
            if _U64(chunk, at + layout.record_join)[0] == layout.join_finished and _U64(chunk, at + layout.record_block)[0] == 0:
                continue  # free
            yield Fiber(layout, chunk, at, index * (places - 1) + place, address + at)


def _read_block(layout, memory, fiber):
    """False: it is not there."""
    block = memory.read(fiber.block, layout.block_bytes)
    if _U64(block, layout.block_record)[0] != fiber.address:
        return False
    name = block[layout.block_name:layout.block_name + layout.block_name_bytes]
    fiber.name = name.split(b"\0")[0].decode("utf-8", "replace")
    fiber.top = _U64(block, layout.block_home_stack)[0]
    fiber.limit = memory.word(fiber.top + layout.stack_limit)
    fiber.lender = _U64(block, layout.block_lender)[0]
    fiber.joiner = _U64(block, layout.block_joiner)[0] if fiber.flags & layout.flag_called else 0
    fiber.waits_for = memory.text(_U64(block, layout.block_wait_text)[0])
    fiber.wait_since = _I64(block, layout.block_wait_since)[0] if fiber.waits_for is not None else 0
    return True


def _find_joins(layout, by_address):
    """Who joins whom: the join word of a fiber names the parker of its joiner; a call names the joiner itself."""
    for fiber in list(by_address.values()):
        if fiber.join > 1 << 16 and (joiner := by_address.get((fiber.join >> 16) - layout.record_park)):
            if joiner.armed:
                joiner.target = fiber
        for address in (fiber.joiner, fiber.lender):
            if joiner := by_address.get(address):
                joiner.target, joiner.armed = fiber, True  # it waits, by other means than its parker


def _place_workers(fibers, workers, by_address):
    """Whose stack is each worker's thread on? What it calls current may be the one it is just going to."""
    by_top = {}
    for fiber in fibers:
        if fiber.top:
            by_top.setdefault(fiber.top, []).append(fiber)
    tops = sorted(by_top)
    for worker in workers:
        if worker.thread == 0:
            continue
        on = _on_stack_at(tops, by_top, worker.sp)
        if on:
            lenders = {fiber.lender for fiber in on}
            next(fiber for fiber in on if fiber.address not in lenders).worker = worker
        elif worker.current in by_address and not worker.switching:
            by_address[worker.current].worker = worker  # on a stack that is no fiber's own: of a coroutine, of a signal


def _on_stack_at(tops, by_top, sp):
    """The fibers whose stack that is: one, and those that have lent it."""
    if sp is None:
        return []
    at = bisect.bisect_left(tops, sp)
    on = by_top[tops[at]] if at < len(tops) else []
    return on if on and on[0].limit <= sp else []


def _state_of(fiber):
    if fiber.worker is not None:
        return "running"
    if not fiber.block:
        return "new"
    if not fiber.top:
        return "lost"
    if fiber.waits_for is not None and fiber.armed:
        return "parked"
    return "runnable"


class Snapshot:
    """Fibers by number, workers, and the time by the clock of the waits: `now_ns`, or what the workers saw last."""

    def __init__(self, layout, memory, workers, now_ns=None):
        self.workers = workers
        self.fibers = []
        self.lost = 0  # fibers whose stacks hold nothing: a core without them
        by_address = {}
        for fiber in _records(layout, memory):
            if fiber.join == layout.join_finished:
                fiber.state = "ended"
                self.fibers.append(fiber)
                continue
            if not fiber.block and fiber.armed:
                continue  # not a fiber: a deadline, whose timer needs a record to wait by
            if fiber.block and not _read_block(layout, memory, fiber):
                self.lost += 1
            by_address[fiber.address] = fiber
            self.fibers.append(fiber)
        _find_joins(layout, by_address)
        live = list(by_address.values())
        _place_workers(live, workers, by_address)
        for fiber in live:
            fiber.state = _state_of(fiber)
        self.now_ns = now_ns
        if now_ns is None:
            self.now_ns = max([w.tick for w in workers] + [f.wait_since for f in live], default=0)

    def age_ns(self, fiber):
        """Since it parked; None where the library does not keep it."""
        if fiber.state not in ("parked", "runnable") or not fiber.wait_since or self.now_ns < fiber.wait_since:
            return None
        return self.now_ns - fiber.wait_since

    def counts(self):
        """Of each state."""
        found = dict.fromkeys(STATES, 0)
        for fiber in self.fibers:
            found[fiber.state] += 1
        return found
