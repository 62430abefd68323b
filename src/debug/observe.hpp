// A look at all fibers of the process while they run.
//
// Their records are never unmapped, and neither are stacks. So what another thread is just writing may be read: it may be old,
// and it is looked at again whether it still was the same fiber. Nobody else pays for it.
#pragma once
#include <cstddef>  // size_t
#include <cstdint>  // uint16_t
#include <vector>   // vector

#include <weft/fiber/fiber_id.hpp>
#include <weft/fiber/record.hpp>

#include "fiber/block.hpp"  // fiber_block::name
#include "sched/park.hpp"   // time_point

namespace weft::inline v0::detail {

enum class fiber_state : std::uint8_t {
  running,   // on a worker
  runnable,  // started; it would go on at once, if its worker had time
  fresh,     // not started yet
  parked,    // waits
};
inline constexpr std::size_t fiber_states = 4;

struct observed_fiber {
  fiber_id id;
  fiber_state state = fiber_state::fresh;
  bool armed = false;        // nobody has ended its wait yet
  std::uint16_t worker = 0;  // number of its home; of a fresh one: nothing
  char name[sizeof(fiber_block::name)] = {};
  const char* wait = nullptr;  // a literal: what it waits for, or has waited for until its turn comes
  time_point since{};          // when it began to wait
  void* spawn_site = nullptr;
  std::size_t stack_used = 0;  // bytes, when it was left last
  const fiber_record* record = nullptr;
  const fiber_record* joiner = nullptr;  // who has entered it by a call, and waits for it
  const fiber_record* lender = nullptr;  // whose stack it runs on, and who waits for it
};

// In the order of nothing. \throws std::bad_alloc
std::vector<observed_fiber> observe_fibers();

}  // namespace weft::inline v0::detail
