"""The commands themselves."""
import functools

import gdb

from . import process, text, traces, unwinder
from .layout import WeftError


_FRAMELESS = {"new": "has not started", "ended": "has ended", "lost": "has a stack that is not in this core"}


def _telling(function):
    """What the user is to be told comes as an error of gdb: without a traceback of Python."""
    @functools.wraps(function)
    def wrapped(*arguments):
        try:
            return function(*arguments)
        except WeftError as error:
            raise gdb.GdbError(f"weft: {error}") from None
    return wrapped


def _used(fiber):
    return text.size(fiber.used(fiber.worker.sp if fiber.worker is not None else None)) if fiber.top else "-"


def _stack(fiber):
    return f"{fiber.limit:#x}-{fiber.top:#x}" if fiber.top else "-"


def _title(snapshot, fiber):
    parts = [text.state(fiber)]
    if fiber.waits_for is not None and fiber.worker is None:
        parts.append(f"waits for: {text.wait(fiber)}" if fiber.state == "parked" else f"has waited for: {text.wait(fiber)}")
        parts.append(text.duration(snapshot.age_ns(fiber)))
    if fiber.top:
        parts.append(f"stack {_stack(fiber)}, {_used(fiber)} used")
    parts.append(f"spawned by {process.site(fiber.spawn_site)}")
    return f"Fiber {fiber.number} {repr(fiber.name) if fiber.name else '(unnamed)'} {fiber.id}: " + ", ".join(parts)


@_telling
def _list_fibers(argument):
    options = text.Options(gdb.string_to_argv(argument))
    if options.rest:
        raise WeftError(f"'{options.rest[0]}' is no option")
    snapshot = process.snapshot()
    chosen = options.chosen(snapshot.fibers)
    shown = chosen if options.limit is None else chosen[:options.limit]
    rows = [(str(f.number), f.name or "-", text.state(f), text.wait(f), text.duration(snapshot.age_ns(f)), _stack(f), _used(f),
             process.site(f.spawn_site)) for f in shown]
    if rows:
        header = ("Id", "Name", "State", "Waits for", "Age", "Stack", "Used", "Spawned by")
        gdb.write("\n".join(text.table(rows, header)) + "\n")
    if len(shown) < len(chosen):
        gdb.write(f"and {text.count_of(len(chosen) - len(shown), 'more fiber')}\n")
    gdb.write(text.summary(snapshot) + "\n")


class InfoFibers(gdb.Command):
    """The fibers of the program.
Usage: info fibers [--state STATE[,STATE]] [--name TEXT] [--limit N]

STATE is running, runnable, new (spawned, not started yet), parked lost (in a core: without its
stack) or ended (nobody has joined it yet; shown only then).
TEXT is part of the name. Age is the time since the fiber parked; in a core, up to when a worker last looked at the clock."""

    def __init__(self, name):
        super().__init__(name, gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        _list_fibers(argument)


class Backtrace(gdb.Command):
    """The frames of a fiber, running or not.
Usage: weft backtrace ID [OPTIONS OF GDB'S backtrace]

ID is a number of `info fibers`, fiber#<hex>.<generation> as the library prints it, the address of a record, or a name.
The frames of a fiber that does not run begin with #1: `weft fiber ID frame 1` is the same one."""

    def __init__(self, name):
        super().__init__(name, gdb.COMMAND_STACK)

    @_telling
    def invoke(self, argument, from_tty):
        words = text.split_id(argument)
        if not words:
            raise WeftError("which fiber? weft backtrace ID")
        snapshot = process.snapshot()
        fiber = text.find(snapshot.fibers, words[0])
        gdb.write(_title(snapshot, fiber) + "\n")
        _in_fiber(fiber, f"backtrace {words[1] if len(words) > 1 else ''}")


def _in_fiber(fiber, command):
    """Executes it with the fiber's frames selected."""
    inner = fiber
    while inner.called:
        inner = inner.target
    if inner is not fiber:
        gdb.write(f"Its stack is lent: the innermost frames are those of fiber {inner.number}.\n")
    if inner.state in _FRAMELESS:
        gdb.write(f"It {_FRAMELESS[inner.state]}: there are no frames.\n")
    elif inner.worker is not None:
        thread = process.thread_of(inner.worker)
        if thread is None:
            raise WeftError(f"gdb does not know the thread of worker {inner.worker.number}, LWP {inner.worker.thread}")
        with process.kept_selection():
            thread.switch()
            gdb.execute(command)
    else:
        with unwinder.frames_of(inner):
            # Frame 0 is the thread's own, wherever it is: what is printed of it would mislead.
            output = gdb.execute(command, to_string=True)
            first = output.find("#1 ")
            gdb.write(output[first:] if output.startswith("#0 ") and first > 0 else output)


class AllBacktrace(gdb.Command):
    """The frames of all fibers; those of equal ones once.
Usage: weft all backtrace [--state STATE[,STATE]] [--name TEXT] [--limit N] [--full]

N is how many different stacks are shown, the most frequent first. Calls between a fiber's entry and its function (std::invoke
and the like) are left out, but for --full. The other options are those of `info fibers`."""

    def __init__(self, name):
        super().__init__(name, gdb.COMMAND_STACK)

    @_telling
    def invoke(self, argument, from_tty):
        options = text.Options(gdb.string_to_argv(argument))
        snapshot = process.snapshot()
        groups = traces.grouped(snapshot, options.chosen(snapshot.fibers), process.memory())
        shown = groups if options.limit is None else groups[:options.limit]
        for frames, fibers in shown:
            self._show(snapshot, frames if options.full else [f for f in frames if not f.is_glue()], fibers)
        if len(shown) < len(groups):
            gdb.write(f"and {text.count_of(len(groups) - len(shown), 'more stack')}\n\n")
        gdb.write(text.summary(snapshot) + "\n")

    @staticmethod
    def _show(snapshot, frames, fibers):
        one = fibers[0]
        reason = f" waiting for {one.waits_for}" if one.state == "parked" else ""
        ages = [age for age in map(snapshot.age_ns, fibers) if age is not None]
        longest = f", {'up to ' if len(fibers) > 1 else ''}{text.duration(max(ages))}" if ages and reason else ""
        state = text.state(one) if len(fibers) == 1 else one.state
        gdb.write(f"{text.count_of(len(fibers))} {state}{reason}{longest}: {text.numbers(fibers)}\n")
        for number, frame in enumerate(frames, 1):
            gdb.write(f"  #{number:<3} {frame}\n")
        if not frames:
            gdb.write(f"  spawned by {process.site(one.spawn_site)}\n")
        gdb.write("\n")


class InFiber(gdb.Command):
    """Executes a command with a fiber selected, or selects it.
Usage: weft fiber ID COMMAND
       weft fiber ID
       weft fiber none

Without a command the frames of the fiber take the place of the selected thread's (backtrace, frame N, up, info locals,
print ...) until the program goes on or `weft fiber none`. Of a fiber that runs, the thread is selected. Nothing is written:
registers cannot be changed, and frame 0 is the thread's own."""

    def __init__(self, name):
        super().__init__(name, gdb.COMMAND_STACK)

    @_telling
    def invoke(self, argument, from_tty):
        words = text.split_id(argument)
        if not words:
            raise WeftError("which fiber? weft fiber ID [COMMAND]")
        if words[0] == "none":
            unwinder.drop()
            return
        snapshot = process.snapshot()
        fiber = text.find(snapshot.fibers, words[0])
        if len(words) > 1:
            _in_fiber(fiber, words[1])
            return
        gdb.write(_title(snapshot, fiber) + "\n")
        while fiber.called:
            fiber = fiber.target
        unwinder.drop()
        if fiber.worker is not None:
            thread = process.thread_of(fiber.worker)
            if thread is not None:
                thread.switch()
        elif fiber.state in _FRAMELESS:
            raise WeftError(f"it {_FRAMELESS[fiber.state]}: there are no frames")
        else:
            unwinder.select(fiber)
        gdb.execute("frame")


class Weft(gdb.Command):
    """Fibers of weft: info fibers, weft fibers, weft backtrace, weft all backtrace, weft fiber."""

    def __init__(self):
        super().__init__("weft", gdb.COMMAND_STACK, prefix=True)


class WeftAll(gdb.Command):
    """Commands for all fibers: weft all backtrace."""

    def __init__(self):
        super().__init__("weft all", gdb.COMMAND_STACK, prefix=True)


def register():
    try:
        unwinder.register()
    except WeftError as error:
        raise gdb.GdbError(f"weft: {error}") from None
    Weft()
    WeftAll()
    InfoFibers("info fibers")
    InfoFibers("weft fibers")
    Backtrace("weft backtrace")
    AllBacktrace("weft all backtrace")
    InFiber("weft fiber")
    gdb.execute("alias weft bt = weft backtrace", to_string=True)
