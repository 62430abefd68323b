// Where the signal handler notes what came, for one signal_set at a time. Slots are pooled and never freed, and their
// eventfds never closed, so a handler that is late finds no freed memory and writes to no stranger's descriptor.
//
// | word      | meaning                         | written by                    | order                                          |
// |-----------|---------------------------------|-------------------------------|------------------------------------------------|
// | wanted    | bit s-1: signal s is to be noted | the set, under the table's lock | against visitors, sequentially consistent    |
// | visitors  | handlers that may be noting     | handlers                      | against wanted, sequentially consistent        |
// | counts[s] | how often s came, not yet taken | handlers add, waiters take    | a count; the eventfd wakes                     |
#pragma once
#include <cstdint>  // fixed-width integers

#include <weft/base/atomic.hpp>
#include "io/os.hpp"

namespace weft::inline v0::detail {

inline constexpr int last_signal = 64;

struct signal_slot {
  atomic<std::uint64_t> wanted{0};
  atomic<std::uint32_t> visitors{0};
  atomic<std::uint32_t> counts[last_signal + 1] = {};
  int eventfd = -1;
  signal_slot* next = nullptr;  // all slots, newest first; never changes once it is in the list
  bool in_use = false;          // guarded by the table's lock

  // One of what was noted, or 0.
  int take() noexcept;
};

constexpr std::uint64_t bit_of(int signal) noexcept { return std::uint64_t{1} << (signal - 1); }

// A slot in which `wanted` are noted from now on, with the handler installed for each. Null: `error` is an errno.
signal_slot* open_signal_slot(std::uint64_t wanted, int& error) noexcept;
// Nothing is noted any more; what was is dropped; dispositions that nobody needs are restored.
void close_signal_slot(signal_slot& slot) noexcept;

}  // namespace weft::inline v0::detail
