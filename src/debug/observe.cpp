// Reads records, and the tops of stacks, that their owners may be writing.
#include "debug/observe.hpp"

#include <algorithm>  // binary_search, sort
#include <utility>    // pair

#include "fiber/join_word.hpp"
#include "fiber/record_pool.hpp"
#include "sched/worker.hpp"
#include "stack/stack.hpp"  // locate_stack_address

// No sanitizer watches: the races are meant, and a block may lie in a frame that has just ended. Volatile, so that each word
// is read once and in this order; the processor keeps the order of loads.
#if defined(WEFT_WITH_MSAN)
#define WEFT_RACY_READER __attribute__((noinline, no_sanitize("memory")))
#else
#define WEFT_RACY_READER __attribute__((noinline, no_sanitize("address"), no_sanitize("thread")))
#endif

namespace weft::inline v0::detail {
namespace {

enum class look : std::uint8_t { found, nobody, changed };

// What the block says. \return whether it was `r`'s
WEFT_RACY_READER bool read_block(const fiber_record& r, const fiber_block& of, observed_fiber& out) noexcept {
  const volatile fiber_block& b = of;
  if (b.record != &r) return false;
  for (std::size_t i = 0; i + 1 < sizeof out.name; ++i) out.name[i] = b.name[i];
  out.wait = b.wait_text;
  const time_point::rep since = reinterpret_cast<const volatile time_point::rep&>(of.wait_since);
  out.since = time_point(time_point::duration(since));
  out.joiner = (r.ctx.owner_bits & flag_called) != 0 ? b.joiner : nullptr;
  out.lender = b.lender;
  return true;
}

// A fiber publishes its end before its stack serves another, and its record has another generation before it does. So what was
// read is of this fiber if both are as before afterwards.
WEFT_RACY_READER look look_at(const fiber_record& record, observed_fiber& out) noexcept {
  const volatile fiber_record& r = record;
  const auto ended = [&record] {
    return record.join.load(memory_order_acquire) == join_finished;  // pairs with publish_end() and end_called()
  };
  if (ended() || r.ops == nullptr) return look::nobody;
  const std::uint32_t generation = r.generation;
  const fiber_block* const block = r.block;
  // relaxed: a look
  out.armed = (record.park.word.load(memory_order_relaxed) & parker::armed) != 0;
  if (block == nullptr && out.armed) return look::nobody;  // a deadline, whose timer needs a record to wait by
  out.id = {&record, generation};
  out.record = &record;
  out.spawn_site = r.spawn_site;
  out.worker = r.home;
  if (block != nullptr) {
    // Elsewhere only where a sanitizer has moved the frame of a borrowed stack: then no more is known.
    const stack_location at = locate_stack_address(block);
    if (at.zone == stack_zone::usable) {
      if (!read_block(record, *block, out)) return look::changed;
      const auto sp = reinterpret_cast<std::uintptr_t>(r.ctx.sp), top = reinterpret_cast<std::uintptr_t>(block);
      if (sp >= reinterpret_cast<std::uintptr_t>(at.slot) && sp < top) out.stack_used = top - sp;
    }
    out.state = fiber_state::runnable;
  }
  asm volatile("" : : : "memory");  // the compiler, too, reads what follows last
  return !ended() && r.generation == generation && r.block == block ? look::found : look::changed;
}

using running_fiber = std::pair<const fiber_record*, std::uint16_t>;  // and its worker

WEFT_RACY_READER const fiber_record* current_of(const worker& w) noexcept {
  return const_cast<fiber_record* const volatile&>(w.current);
}

std::vector<running_fiber> running_fibers() {
  std::vector<running_fiber> found;
  const std::size_t workers = workers_made();
  for (std::size_t i = 0; i < workers; ++i) {
    const auto number = static_cast<std::uint16_t>(i);
    if (const fiber_record* r = current_of(worker_at(number)); r != nullptr) found.emplace_back(r, number);
  }
  return found;
}

}  // namespace

std::vector<observed_fiber> observe_fibers() {
  std::vector<observed_fiber> all;
  record_pool::for_each_of_all([&all](const fiber_record& r) {
    constexpr int tries = 3;  // one that changes so fast is left out
    for (int i = 0; i < tries; ++i) {
      observed_fiber found;
      const look seen = look_at(r, found);
      if (seen == look::found) all.push_back(found);
      if (seen != look::changed) return;
    }
  });
  const std::vector<running_fiber> running = running_fibers();
  std::vector<const fiber_record*> waiting;  // by other means than their parker
  for (const observed_fiber& f : all) {
    if (f.joiner != nullptr) waiting.push_back(f.joiner);
    if (f.lender != nullptr) waiting.push_back(f.lender);
  }
  std::sort(waiting.begin(), waiting.end());
  for (observed_fiber& f : all) {
    if (f.state == fiber_state::fresh) continue;
    const bool waits = f.armed || std::binary_search(waiting.begin(), waiting.end(), f.record);
    if (f.wait != nullptr && waits) f.state = fiber_state::parked;
    for (const auto& [record, number] : running) {
      if (record == f.record) f.state = fiber_state::running, f.worker = number;
    }
  }
  return all;
}

}  // namespace weft::inline v0::detail
