/// \file   weft/fiber/record.hpp
/// \brief  The fiber record: two cache lines. Private to weft; public only because spawn() builds closures in place.
#pragma once
#include <cstddef>  // byte, offsetof
#include <cstdint>  // fixed-width integers

#include <weft/base/atomic.hpp>      // atomic
#include <weft/base/config.hpp>      // WEFT_EXPORT, WEFT_CACHE_LINE
#include <weft/context/context.hpp>  // context

#if defined(_WIN32)
#error "on Windows weft has coroutines and generators, and neither fibers nor what waits in them: docs/platforms.md"
#endif

namespace weft::inline v0::detail {

struct fiber_record;
struct fiber_block;
struct stop_hub;

/// The word every wait of one fiber (or one plain thread) goes through: exactly one waker wins it.
///
/// | bits  | name       | meaning                                                   | who changes it             |
/// |-------|------------|-----------------------------------------------------------|----------------------------|
/// | 0     | armed      | a wait of this generation has not been decided            | waiter sets, winner clears |
/// | 1     | stop       | stop was requested (sticky until the record is recycled)  | anyone sets                |
/// | 2     | point      | the armed wait is a cancellation point                    | waiter                     |
/// | 3     | thread     | the parker belongs to a plain OS thread, not to a fiber   | constant                   |
/// | 4     | inner_stop | a deadline or scope that the running code sees has fired  | anyone sets, waiter clears |
/// | 5     | inner_point | the armed wait ends when one fires                       | waiter                     |
/// | 8-15  | outcome    | why the wait ended: detail::wake                          | winner, waiter on arming   |
/// | 32-63 | generation | number of the wait; a waker with an older one loses       | waiter, on arming          |
struct parker {
  static constexpr std::uint64_t armed = 1, stop = 2, point = 4, thread = 8, inner_stop = 16, inner_point = 32;
  static constexpr unsigned outcome_shift = 8, generation_shift = 32;
  static constexpr std::uint64_t outcome_mask = std::uint64_t{0xff} << outcome_shift;
  atomic<std::uint64_t> word{0};
};

/// What the scheduler needs to know of a closure; one constant table per closure type.
struct fiber_ops {
  void (*run)(fiber_record&);           ///< moves the closure out, runs it, leaves result or exception in the record
  void (*run_detached)(fiber_record&);  ///< as run, but an exception other than cancelled finds no handler
  void (*destroy_closure)(fiber_record&) noexcept;  ///< the fiber never ran: no stack could be had
  void (*destroy_result)(fiber_record&) noexcept;   ///< nobody took the result
};

/// What a record's storage holds.
enum class fiber_outcome : std::uint8_t { none, value, exception };

/// A spawned fiber. Line 0 is what a switch touches, line 1 what spawn and join touch. Offsets are those of 64 bits; with
/// 32 the join word is in line 0, too.
struct alignas(WEFT_CACHE_LINE) fiber_record {
  // As much as two cache lines have room for.
  static constexpr std::size_t storage_bytes = sizeof(void*) == 8 ? 32 : 48;

  context ctx;                                   // 00 owner_bits: flags below, changed by the home worker only
  fiber_record* next = nullptr;                  // 20 ready queue, inbox, free list
  fiber_block* block = nullptr;                  // 28 top of the bound stack; null until first dispatch
  parker park;                                   // 30
  std::uint32_t generation = 0;                  // 38 grows each time the record is recycled: ids stay unique
  std::uint16_t home = 0;                        // 3c number of the worker it started on
  fiber_outcome outcome = fiber_outcome::none;   // 3e
  std::uint8_t options = 0;                      // 3f has_options | is_spread | size class was given
  atomic<std::uint64_t> join{0};                 // 40 table in src/fiber/join_word.hpp
  const fiber_ops* ops = nullptr;                // 48
  void* spawn_site = nullptr;                    // 50 return address of the spawn call
  atomic<stop_hub*> hub{nullptr};                // 58 made when first needed: src/sched/stop_hub.hpp
  alignas(16) std::byte storage[storage_bytes];  // 60 closure before the run, result after it
};
static_assert(sizeof(fiber_record) == 128);
static_assert(offsetof(fiber_record, park) == (sizeof(void*) == 8 ? 0x30 : 0x20));
static_assert(offsetof(fiber_record, join) == (sizeof(void*) == 8 ? 0x40 : 0x30));
static_assert(offsetof(fiber_record, storage) == (sizeof(void*) == 8 ? 0x60 : 0x50));

}  // namespace weft::inline v0::detail
