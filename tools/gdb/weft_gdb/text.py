"""How fibers are named and shown. No part of gdb in here."""
import re

from .fibers import STATES
from .layout import WeftError


class Options:
    """--state STATE (several with commas), --limit N, --name TEXT, --full; what is left over is in `rest`."""

    def __init__(self, words):
        self.states, self.limit, self.name, self.full, self.rest = None, None, None, False, []
        words = list(words)
        while words:
            word = words.pop(0)
            option, equals, value = word.partition("=")
            if word == "--full":
                self.full = True
                continue
            if option not in ("--state", "--limit", "--name"):
                if word.startswith("-"):
                    raise WeftError(f"no option {word}; there are --state, --limit, --name and --full")
                self.rest.append(word)
                continue
            if not equals:
                if not words:
                    raise WeftError(f"{option} needs a value")
                value = words.pop(0)
            self._set(option, value)

    def _set(self, option, value):
        if option == "--state":
            self.states = value.split(",")
            for state in self.states:
                if state not in STATES:
                    raise WeftError(f"no state '{state}'; there are {', '.join(STATES)}")
        elif option == "--name":
            self.name = value
        elif value.isdecimal():
            self.limit = int(value)
        else:
            raise WeftError(f"--limit needs a number, not '{value}'")

    def chosen(self, fibers):
        """Those that the options name. Ended ones are no fibers any more, and are shown only when asked for."""
        states = self.states or [state for state in STATES if state != "ended"]
        return [f for f in fibers if f.state in states and (self.name is None or self.name in f.name)]


def split_id(argument):
    """[fiber, rest]: names that have blanks in them stand in quotes."""
    argument = argument.strip()
    if argument[:1] in ("'", '"') and (end := argument.find(argument[0], 1)) > 0:
        return [word for word in (argument[:end + 1], argument[end + 1:].strip()) if word]
    return argument.split(None, 1)


def find(fibers, word):
    """The fiber that is meant by a number of the listing, `fiber#<hex>.<generation>`, the address of its record, or its name."""
    if word.isdecimal():
        found = [f for f in fibers if f.number == int(word)]
    elif match := re.fullmatch(r"(?:fiber#|0x)([0-9a-f]+)(?:\.(\d+))?", word):
        found = [f for f in fibers if f.address == int(match[1], 16)]
        if found and match[2] is not None and found[0].generation != int(match[2]):
            raise WeftError(f"{word} has ended; its record is that of {found[0].id} now")
    else:
        found = [f for f in fibers if f.name == word.strip("'\"") and f.state != "ended"]
        if len(found) > 1:
            raise WeftError(f"{len(found)} fibers have the name '{word}': take a number, as of {found[0].number} or {found[1].number}")
    if not found:
        raise WeftError(f"no fiber {word}: none ever had that, or it has ended")
    return found[0]


def duration(ns):
    if ns is None:
        return "-"
    for unit, size in (("s", 10**9), ("ms", 10**6), ("us", 10**3)):
        if ns >= size * 0.9995:  # what would be 1,000 of the smaller unit is one of this
            value = ns / size
            return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.1f} {unit}"
    return f"{ns} ns"


def size(count):
    return f"{count / 1024:.1f} KiB" if count >= 1024 else f"{count} B"


def count_of(number, noun="fiber"):
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def state(fiber):
    if fiber.worker is not None:
        return f"running on worker {fiber.worker.number} (LWP {fiber.worker.thread})"
    if fiber.state == "runnable":
        return f"runnable on worker {fiber.home}" + (", woken" if fiber.waits_for else "")
    return fiber.state


def wait(fiber):
    """What it waits for, or has waited for."""
    if fiber.waits_for is None or fiber.state == "running":
        return "-"
    return fiber.waits_for + (f" (fiber {fiber.target.number})" if fiber.target is not None else "")


def summary(snapshot):
    counts = snapshot.counts()
    ended = counts.pop("ended")
    alive = f"{count_of(sum(counts.values()))}: " + ", ".join(f"{n:,} {s}" for s, n in counts.items() if n)
    lost = ("\nThe stacks of the lost ones are not in this core. gcore stops at the first guard page of a slab of stacks: let the"
            " kernel write the core (ulimit -c unlimited; kill -QUIT PID)." if counts["lost"] else "")
    return alive.removesuffix(": ") + (f"; {ended:,} ended and not joined" if ended else "") + lost


def table(rows, header):
    """Lines of columns, each as wide as its widest field; the last one as long as it is."""
    rows = [header, *rows]
    widths = [max(len(row[n]) for row in rows) for n in range(len(header) - 1)]
    return ["  ".join([f"{field:<{width}}" for field, width in zip(row, widths)] + [row[-1]]).rstrip() for row in rows]


def numbers(fibers, most=8):
    """'3, 4 (reader), 5 and 9,997 more'."""
    shown = ", ".join(f"{f.number} ({f.name})" if f.name else str(f.number) for f in fibers[:most])
    return shown + (f" and {len(fibers) - most:,} more" if len(fibers) > most else "")
