#!/usr/bin/env python3
"""What of the commands for gdb needs no gdb: states from memory that is made up here, options, names, columns."""
import struct
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools" / "gdb"))
from weft_gdb import fibers, layout, text  # noqa: E402 - found by the line above

RECORD, BLOCK, CHUNK = 64, 96, 1024
FIELDS = dict(
    version=layout.VERSION, bytes=0, newest_chunk=0x100, workers=0x110, chunk_bytes=CHUNK, chunk_made_before=0, chunk_number=8,
    record_bytes=RECORD, record_sp=0, record_fp=8, record_pc=16, record_flags=24, record_block=28, record_park=36, record_generation=44,
    record_home=26, record_join=48, record_ops=56, record_spawn_site=56, flag_called=8, parker_armed=1, join_finished=1,
    block_bytes=BLOCK, block_record=0, block_home_stack=8, block_lender=16, block_joiner=24, block_wait_text=32, block_wait_since=40,
    block_name=48, block_name_bytes=32, stack_limit=0, stack_slot=8, worker_current=0, worker_thread=8, worker_tick=16)
NAMES = [name for name, _ in layout._FIELDS]


class Process:
    """Memory with the layout above: one chunk, whose records are made by fiber()."""

    def __init__(self):
        self.bytes = bytearray(0x40000)
        self.layout = layout.Layout([FIELDS[name] for name in NAMES])
        self.memory = layout.Memory(self.read)
        self.chunk, self.made, self.text = 0x1000, 0, 0x30000
        self.put("<Q", 0x100, self.chunk)

    def read(self, address, size):
        if address + size > len(self.bytes):
            raise ValueError(f"no memory at {address:#x}")
        return bytes(self.bytes[address:address + size])

    def put(self, kind, address, *values):
        struct.pack_into(kind, self.bytes, address, *values)

    def string(self, value):
        self.text += 64
        self.bytes[self.text:self.text + len(value) + 1] = value.encode() + b"\0"
        return self.text

    def fiber(self, wait=None, armed=False, started=True, join=0, name="", lender=0, joiner=0, since=0, sp_below_top=0x100, stack=None):
        self.made += 1
        record = self.chunk + self.made * RECORD
        top = stack or 0x10000 + self.made * 0x1000
        block = top - BLOCK if stack is None else top - 0x400
        self.put("<QQQHHQQI", record, top - sp_below_top, 0, 0x77, 8 if joiner else 0, 3, block if started else 0, int(armed), 5)
        self.put("<QQ", record + 48, join, 0x99)
        if started:
            self.put("<Q", top, top - 0x800)
            self.put("<QQQQQq", block, record, top, lender, joiner, self.string(wait) if wait else 0, since)
            self.bytes[block + 48:block + 48 + len(name)] = name.encode()
        return record

    def worker(self, number, current=0, thread=0, sp=None, switching=False):
        return fibers.Worker(number, current, thread, 0, sp, switching)

    def look(self, workers=(), now_ns=None):
        return fibers.Snapshot(self.layout, self.memory, list(workers), now_ns)

    def states(self, workers=()):
        return [fiber.state for fiber in self.look(workers).fibers]


class States(unittest.TestCase):
    def setUp(self):
        self.process = Process()

    def test_parked_is_who_is_armed_and_says_for_what(self):
        self.process.fiber(wait="mutex", armed=True)
        self.process.fiber(wait="mutex")      # woken
        self.process.fiber()                  # has yielded
        self.process.fiber(started=False)
        self.assertEqual(self.process.states(), ["parked", "runnable", "runnable", "new"])

    def test_free_records_and_deadlines_are_no_fibers(self):
        self.process.fiber(started=False, join=1)
        self.process.fiber(started=False, armed=True)
        self.process.fiber(join=1)
        self.assertEqual(self.process.states(), ["ended"])

    def test_running_is_who_has_the_thread_on_its_stack(self):
        one, other = self.process.fiber(wait="event", armed=True), self.process.fiber()
        top = 0x10000 + 0x1000
        going = self.process.worker(0, current=other, thread=9, sp=top - 0x80)  # still on the first one's stack
        self.assertEqual(self.process.states([going]), ["running", "runnable"])
        self.assertEqual(self.process.states([self.process.worker(0, other, 9, sp=0x123)]), ["parked", "running"])  # of a coroutine
        self.assertEqual(self.process.states([self.process.worker(0, other, 9, 0x123, switching=True)]), ["parked", "runnable"])
        self.assertEqual(self.process.states([self.process.worker(0, one)]), ["parked", "runnable"])  # no thread

    def test_lenders_and_joiners_by_a_call_wait(self):
        lender = self.process.fiber(wait="a child")
        self.process.fiber(lender=lender, stack=0x10000 + 0x1000)
        joiner = self.process.fiber(wait="join")
        self.process.fiber(joiner=joiner)
        snapshot = self.process.look([self.process.worker(0, thread=1, sp=0x11000 - 0x500)])
        self.assertEqual([f.state for f in snapshot.fibers], ["parked", "running", "parked", "runnable"])
        self.assertTrue(snapshot.fibers[0].called)
        self.assertIs(snapshot.fibers[2].target, snapshot.fibers[3])
        self.assertFalse(snapshot.fibers[2].called)

    def test_a_joiner_names_whom_it_joins(self):
        joiner = self.process.fiber(wait="join", armed=True)
        self.process.fiber(wait="event", armed=True, join=(joiner + FIELDS["record_park"]) << 16 | 7)
        self.assertEqual(text.wait(self.process.look().fibers[0]), "join (fiber 2)")

    def test_a_stack_that_is_not_in_the_core_is_lost(self):
        record = self.process.fiber(wait="mutex", armed=True)
        block = struct.unpack("<Q", self.process.read(record + 28, 8))[0]
        self.process.put("<Q", block, 0)
        snapshot = self.process.look()
        self.assertEqual(snapshot.fibers[0].state, "lost")
        self.assertIn("not in this core", text.summary(snapshot))

    def test_ages_count_from_the_parking(self):
        self.process.fiber(wait="mutex", armed=True, since=100, name="one")
        snapshot = self.process.look(now_ns=350)
        self.assertEqual((snapshot.age_ns(snapshot.fibers[0]), snapshot.fibers[0].name), (250, "one"))
        self.assertEqual(self.process.look().now_ns, 100)  # a core: what was seen last

    def test_another_version_of_the_table_is_refused(self):
        self.process.put("<II", 0x200, layout.VERSION + 1, 999)
        with self.assertRaisesRegex(layout.WeftError, "same version"):
            layout.Layout.read(self.process.memory, 0x200)


class Text(unittest.TestCase):
    def setUp(self):
        process = Process()
        process.fiber(wait="mutex", armed=True, name="a b")
        process.fiber(name="twin")
        process.fiber(name="twin")
        self.fibers = process.look().fibers

    def test_a_fiber_is_found_by_all_its_names(self):
        first = self.fibers[0]
        for word in ("1", "'a b'", first.id, f"{first.address:#x}", first.id.split(".")[0]):
            self.assertIs(text.find(self.fibers, word), first, word)
        for word, why in (("twin", "2 fibers have"), ("9", "no fiber 9"), (f"fiber#{first.address:x}.4", "has ended")):
            with self.assertRaisesRegex(layout.WeftError, why):
                text.find(self.fibers, word)

    def test_names_with_blanks_stand_in_quotes(self):
        self.assertEqual(text.split_id("'a b' bt 3"), ["'a b'", "bt 3"])
        self.assertEqual(text.split_id("7 bt 3"), ["7", "bt 3"])
        self.assertEqual(text.split_id("'a b'"), ["'a b'"])
        self.assertEqual(text.split_id("  "), [])

    def test_options(self):
        options = text.Options(["--state", "parked,new", "--limit=3", "--name", "a"])
        self.assertEqual((options.states, options.limit, options.chosen(self.fibers)), (["parked", "new"], 3, self.fibers[:1]))
        for words in (["--state", "x"], ["--limit", "x"], ["--limit"], ["-x"]):
            with self.assertRaises(layout.WeftError):
                text.Options(words)

    def test_amounts(self):
        self.assertEqual([text.duration(n) for n in (None, 5, 1_500, 2_500_000, 3 * 10**9, 617 * 10**9)],
                         ["-", "5 ns", "1.5 us", "2.5 ms", "3.0 s", "617 s"])
        self.assertEqual([text.duration(n) for n in (999_400, 999_600, 999_400_000, 999_600_000)], ["999 us", "1.0 ms", "999 ms", "1.0 s"])
        self.assertEqual((text.size(816), text.size(2048), text.count_of(1), text.count_of(10_000)), ("816 B", "2.0 KiB", "1 fiber", "10,000 fibers"))

    def test_columns_and_sums(self):
        self.assertEqual(text.table([("1", "x", "last one")], ("Id", "Name", "End")), ["Id  Name  End", "1   x     last one"])
        self.assertEqual(text.numbers(self.fibers, 2), "1 (a b), 2 (twin) and 1 more")


if __name__ == "__main__":
    unittest.main()
