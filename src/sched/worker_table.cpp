// All worker blocks of the process: a table by number, and the pool of those no runtime uses. And what debuggers read, who
// begin at that table.
#include <array>         // array
#include <cstddef>       // offsetof
#include <mutex>         // lock_guard
#include <system_error>  // system_error

#include <weft/base/spin_lock.hpp>
#include "fiber/join_word.hpp"
#include "fiber/record_pool.hpp"
#include "sched/debugger_layout.hpp"
#include "sched/worker.hpp"

namespace weft::inline v0::detail {
namespace {

constexpr std::size_t max_workers = 4096;

struct worker_table {
  std::array<atomic<worker*>, max_workers + 1> at{};  // the last one stays null
  spin_lock lock{lock_rank::pool};
  atomic<std::size_t> made{0};  // written under the lock
  worker* free = nullptr;
};
constinit worker_table table;  // its workers are never destroyed: wakers may come late

}  // namespace

worker& worker_at(std::uint16_t number) noexcept {
  return *table.at[number].load(memory_order_acquire);  // pairs with the store in acquire_worker()
}

std::size_t workers_made() noexcept {
  return table.made.load(memory_order_acquire);  // pairs with acquire_worker()
}

worker& acquire_worker() {
  worker_table& t = table;
  const std::lock_guard guard(t.lock);
  if (worker* w = t.free; w != nullptr) {
    t.free = w->next_pooled;
    return *w;
  }
  const std::size_t number = t.made.load(memory_order_relaxed);  // relaxed: written under the lock we hold
  if (number == max_workers) {
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                            "weft: 4096 workers are in use by the runtimes of this process");
  }
  auto* w = new worker;
  w->number = static_cast<std::uint16_t>(number);
  t.at[number].store(w, memory_order_release);     // pairs with worker_at()
  t.made.store(number + 1, memory_order_release);  // pairs with workers_made()
  return *w;
}

void release_worker(worker& w) noexcept {
  worker_table& t = table;
  const std::lock_guard guard(t.lock);
  w.next_pooled = t.free;
  t.free = &w;
}

}  // namespace weft::inline v0::detail

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"  // worker has a unique_ptr; compilers lay it out like any other

// Kept, although no code reads it; here, as no program with fibers is linked without this file.
[[gnu::used, gnu::retain]] constinit const weft::detail::debugger_layout weft_debugger_layout = []() constexpr {
  using namespace weft::detail;
  return debugger_layout{
      .version = 1,
      .bytes = sizeof(debugger_layout),
      .newest_chunk = record_pool::list_of_all(),
      .workers = &table.at,
      .chunk_bytes = record_pool::chunk::bytes,
      .chunk_made_before = offsetof(record_pool::chunk, made_before),
      .chunk_number = offsetof(record_pool::chunk, number),
      .record_bytes = sizeof(fiber_record),
      .record_sp = offsetof(fiber_record, ctx.sp),
      .record_fp = offsetof(fiber_record, ctx.fp),
      .record_pc = offsetof(fiber_record, ctx.pc),
      .record_flags = offsetof(fiber_record, ctx.owner_bits),
      .record_block = offsetof(fiber_record, block),
      .record_park = offsetof(fiber_record, park),
      .record_generation = offsetof(fiber_record, generation),
      .record_home = offsetof(fiber_record, home),
      .record_join = offsetof(fiber_record, join),
      .record_ops = offsetof(fiber_record, ops),
      .record_spawn_site = offsetof(fiber_record, spawn_site),
      .flag_called = flag_called,
      .parker_armed = parker::armed,
      .join_finished = join_finished,
      .block_bytes = sizeof(fiber_block),
      .block_record = offsetof(fiber_block, record),
      .block_home_stack = offsetof(fiber_block, home_stack),
      .block_lender = offsetof(fiber_block, lender),
      .block_joiner = offsetof(fiber_block, joiner),
      .block_wait_text = offsetof(fiber_block, wait_text),
      .block_wait_since = offsetof(fiber_block, wait_since),
      .block_name = offsetof(fiber_block, name),
      .block_name_bytes = sizeof(fiber_block::name),
      .stack_limit = offsetof(stack, limit),
      .stack_slot = offsetof(stack, slot),
      .worker_current = offsetof(worker, current),
      .worker_thread = offsetof(worker, thread_id),
      .worker_tick = offsetof(worker, tick),
  };
}
();

#pragma GCC diagnostic pop
