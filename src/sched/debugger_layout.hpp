// What a debugger has to know to find all fibers of a process by reading its memory: where they begin, and where in a record
// the things lie. A table in the library, and not debug information, because release builds have none, and a core has no
// code to call. Read by tools/gdb/weft_gdb/layout.py, which knows this version of it.
//
// The table is at the symbol weft_debugger_layout. Fields are added at the end; `version` grows when one changes its meaning.
#pragma once
#include <cstdint>  // fixed-width integers

#include <weft/base/config.hpp>  // WEFT_EXPORT

namespace weft::inline v0::detail {

struct debugger_layout {
  std::uint32_t version;
  std::uint32_t bytes;  // of this table
  // Roots, by their addresses.
  const void* newest_chunk;  // word: the newest chunk of records, or null
  const void* workers;       // array of words: the workers by number; null after the last one
  // Chunks: `record_bytes` of header, then records up to the end.
  std::uint32_t chunk_bytes, chunk_made_before, chunk_number;
  // Records.
  std::uint32_t record_bytes, record_sp, record_fp, record_pc, record_flags, record_block, record_park;
  std::uint32_t record_generation, record_home, record_join, record_ops, record_spawn_site;
  std::uint32_t flag_called;    // in record_flags, 16 bits: the joiner in its block has entered it by a call
  std::uint32_t parker_armed;   // in record_park, 64 bits: nobody has ended the wait yet
  std::uint32_t join_finished;  // value of record_join: ended, or free
  // Blocks of started fibers.
  std::uint32_t block_bytes, block_record, block_home_stack, block_lender, block_joiner, block_wait_text;
  std::uint32_t block_wait_since;  // nanoseconds of the monotonic clock
  std::uint32_t block_name, block_name_bytes;
  // Stacks: the header's own address is the upper end.
  std::uint32_t stack_limit, stack_slot;
  // Workers.
  std::uint32_t worker_current, worker_thread, worker_tick;
};

}  // namespace weft::inline v0::detail

extern "C" WEFT_EXPORT const weft::detail::debugger_layout weft_debugger_layout;
