"""The table in which the library says where its fibers are: src/sched/debugger_layout.hpp. No part of gdb in here."""
import struct

VERSION = 1
SYMBOL = "weft_debugger_layout"
_FIELDS = (
    ("version", "I"), ("bytes", "I"), ("newest_chunk", "Q"), ("workers", "Q"),
    *((name, "I") for name in """
        chunk_bytes chunk_made_before chunk_number
        record_bytes record_sp record_fp record_pc record_flags record_block record_park
        record_generation record_home record_join record_ops record_spawn_site
        flag_called parker_armed join_finished
        block_bytes block_record block_home_stack block_lender block_joiner block_wait_text
        block_wait_since block_name block_name_bytes
        stack_limit stack_slot
        worker_current worker_thread worker_tick""".split()),
)
_FORMAT = struct.Struct("<" + "".join(kind for _, kind in _FIELDS))
_WORD = struct.Struct("<Q")


class WeftError(Exception):
    """What the user is told, instead of a result."""


class Layout:
    """Its fields, as attributes."""

    def __init__(self, values):
        for (name, _), value in zip(_FIELDS, values):
            setattr(self, name, value)

    @classmethod
    def read(cls, memory, address):
        version, size = struct.unpack("<II", memory.read(address, 8))
        if version != VERSION or size < _FORMAT.size:
            raise WeftError(f"the program's weft has layout {version} of {size} bytes, these commands know layout {VERSION} of"
                            f" {_FORMAT.size}: take weft-gdb.py of the same version as the library")
        return cls(_FORMAT.unpack(memory.read(address, _FORMAT.size)))


class Memory:
    """Reads through a function (address, size) -> bytes, which raises on what cannot be read."""

    def __init__(self, read):
        self.read = read
        self._texts = {0: None}

    def word(self, address):
        return _WORD.unpack(self.read(address, 8))[0]

    def text(self, address, most=128):
        """The zero-terminated string there; literals, so each is read once. None: there is none."""
        if address not in self._texts:
            found = bytearray()
            try:
                while b"\0" not in found and len(found) < most:
                    found += self.read(address + len(found), 16 - (address + len(found)) % 16)  # never into the next page
                text = found.split(b"\0")[0].decode("utf-8", "replace")
            except Exception:  # whatever the debugger raises for memory that is not in the core: read-only data may be left out
                text = "(text not in the core)"
            self._texts[address] = text
        return self._texts[address]
