// A runtime's life: workers are taken from the pool, run, drained and given back.
#include <algorithm>     // max
#include <cstdio>        // snprintf
#include <mutex>         // lock_guard
#include <new>           // bad_alloc
#include <sched.h>       // sched_yield
#include <system_error>  // system_error
#include <unistd.h>      // write

#include "base/check.hpp"
#include "base/futex.hpp"
#include "fiber/block.hpp"
#include "fiber/join_word.hpp"
#include "sched/alternate_stack.hpp"
#include "sched/fiber_end.hpp"
#include "sched/runtime_impl.hpp"
#include "sched/worker_thread.hpp"
#include "stack/depot.hpp"  // shrink_depot

namespace weft::inline v0::detail {
namespace {

using namespace std::chrono_literals;

// Record pools of spawns from plain threads; kept for the process like worker blocks.
struct pool_store {
  spin_lock lock{lock_rank::pool};
  record_pool* free = nullptr;
};
pool_store& external_pools() noexcept {
  static auto* const instance = new pool_store;  // never destroyed: handles may outlive static destructors
  return *instance;
}
record_pool* acquire_external_pool() {
  pool_store& store = external_pools();
  const std::lock_guard guard(store.lock);
  record_pool* p = store.free;
  if (p != nullptr) {
    store.free = p->next_pool;
    return p;
  }
  return new record_pool;
}
void release_external_pool(record_pool* p) noexcept {
  pool_store& store = external_pools();
  const std::lock_guard guard(store.lock);
  p->next_pool = store.free;
  store.free = p;
}

fiber_block* block_of_running_fiber() noexcept {
  worker* w = current_worker();
  return w == nullptr || w->current == nullptr ? nullptr : w->current->block;
}

constexpr auto survivor_report_after = 5s;

}  // namespace

runtime_impl::runtime_impl(runtime* owner, runtime_options resolved, bool is_driven)
    : facade(owner),
      options(resolved),
      stack_class(requested_stack_class(resolved.stack_size)),
      enough_to_lend(usable_stack_bytes(stack_class) / 4 * 3),
      driven(is_driven),
      external_records(acquire_external_pool()) {
  set_fatal_describer(&describe_running_fiber);
  set_running_block_finder(&block_of_running_fiber);
  forbid_suspension_in_children();
  try {
    workers.reserve(resolved.workers);
    for (unsigned i = 0; i < resolved.workers; ++i) {
      workers.push_back(&acquire_worker());
      workers.back()->rt = this;
      workers.back()->index_in_runtime = i;
      workers.back()->spawned.store(0, memory_order_relaxed);   // relaxed: its thread does not run yet
      workers.back()->finished.store(0, memory_order_relaxed);  // relaxed: as above
      // A worker that has never had room could not run the fibers that it took, and nobody else would.
      if (!workers.back()->make_room(1) || !workers.back()->unstarted.reserve_first()) throw std::bad_alloc();
    }
    if (!driven) start_threads();
  } catch (...) {
    end_threads();
    throw;
  }
}

runtime_impl::~runtime_impl() { end_threads(); }

void runtime_impl::start_threads() {
  threads_.reserve(workers.size());
  for (worker* w : workers) {
    try {
      threads_.emplace_back([this, w] {
        const worker_thread_guard guarded;
        const alternate_stack for_overflows;
        w->attach(*this);
        w->thread_main();
        w->detach();
      });
    } catch (const std::system_error& e) {
      throw std::system_error(e.code(), "weft: cannot start worker " + std::to_string(w->index_in_runtime + 1) +
                                            " of " + std::to_string(workers.size()) + " (lower WEFT_WORKERS)");
    }
  }
}

void runtime_impl::end_threads() noexcept {
  ended.store(true, memory_order_seq_cst);  // before the pokes; pairs with worker::anything_anywhere()
  wake_all();
  for (std::thread& t : threads_) t.join();
  // A waker that took a sleeper's marker may not have counted it yet: its addition makes the word even again.
  while (!idle.balanced()) ::sched_yield();
  for (worker* w : workers) release_worker(*w);
  release_external_pool(external_records);
  shrink_depot();  // this may have been the last runtime, whose workers would let surplus stacks settle
}

bool runtime_impl::stayed_behind() const noexcept { return !driven && made_after_forks_ != forks_passed(); }

void runtime_impl::check_alive(const char* what) const noexcept {
  WEFT_CHECK(!stayed_behind(), "%s: the runtime's workers stayed behind in the process that called fork", what);
}

time_point runtime_impl::now() noexcept { return clock == nullptr ? std::chrono::steady_clock::now() : clock->now(); }

std::uint64_t runtime_impl::stacks_in_use() const noexcept {
  std::uint64_t sum = 0;
  for (const worker* w : workers) sum += w->running_stacks.load(memory_order_acquire);  // pairs with bump()
  return sum;
}

// Ends are read before spawns: a fiber counted as ended was counted as spawned earlier.
bool runtime_impl::quiescent() const noexcept {
  std::uint64_t ended_sum = 0;
  for (const worker* w : workers) ended_sum += w->finished.load(memory_order_acquire);   // pairs with bump()
  std::uint64_t spawned_sum = external_spawned.load(memory_order_acquire);               // pairs with commit_spawn_on()
  for (const worker* w : workers) spawned_sum += w->spawned.load(memory_order_acquire);  // pairs with bump()
  return ended_sum == spawned_sum;
}

void runtime_impl::note_idle() noexcept {
  if (!quiescent() || drained.exchange(1, memory_order_seq_cst) != 0) return;  // pairs with drain()
  futex_wake(&drained, INT_MAX);
}

bool runtime_impl::wake_one(unsigned first) noexcept {
  return idle.wake_one(
      static_cast<unsigned>(workers.size()), first, [this](unsigned i) -> auto& { return workers[i]->mail; },
      [this](unsigned i, sleep_kind kind) { workers[i]->end_sleep(kind); });
}

void runtime_impl::wake_all() noexcept {
  while (wake_one(0)) {
  }
}

void runtime_impl::stop_everything() noexcept {
  stopping.store(true, memory_order_seq_cst);  // before the bits; pairs with spawn's look at it
  const auto stop = [](fiber_record& r) { request_stop(r); };
  for (worker* w : workers) w->records.for_each(stop);
  external_records->for_each(stop);
}

void runtime_impl::drain() noexcept {
  if (quiescent()) return;  // the usual end; stopping looks at every record the pooled workers ever made
  stop_everything();
  draining.store(true, memory_order_seq_cst);  // pairs with the look before each sleep, in worker::idle()
  time_point report_at = std::chrono::steady_clock::now() + survivor_report_after;
  for (;;) {
    if (quiescent() || drained.load(memory_order_seq_cst) != 0) return;  // pairs with note_idle()
    if (!futex_wait(&drained, 0, report_at)) {  // also true after a signal, of which there may be many
      report_survivors();
      stop_everything();  // what was spawned meanwhile, too
      report_at = no_deadline;
    }
  }
}

namespace {

struct survivor {
  char name[32] = {};
  const char* waits_for = nullptr;
};

// Reads a record and a stack top that their owner may be writing: the memory is never unmapped, and a name torn at this
// moment is better than no name. Volatile, so that no library function that a sanitizer watches does the reading.
__attribute__((noinline, no_sanitize("thread"))) bool look_at(const fiber_record& r, survivor& out) noexcept {
  const auto* block = const_cast<fiber_block* const volatile&>(r.block);
  if (block == nullptr || const_cast<fiber_record* const volatile&>(block->record) != &r) return false;
  if (const_cast<const volatile fiber_outcome&>(r.outcome) != fiber_outcome::none) return false;
  const volatile char* name = block->name;
  for (unsigned i = 0; i + 1 < sizeof out.name; ++i) const_cast<volatile char&>(out.name[i]) = name[i];
  out.waits_for = const_cast<const char* const volatile&>(block->wait_text);
  return true;
}

}  // namespace

void runtime_impl::report_survivors() noexcept {
  unsigned shown = 0;
  const auto report = [&](fiber_record& r) {
    survivor found;
    if (r.join.load(memory_order_relaxed) == join_finished || !look_at(r, found)) return;  // relaxed: a report
    if (++shown > 20) return;
    char text[256];
    const int n = std::snprintf(
        text, sizeof text, "weft: ~runtime waits for fiber '%.31s', which ignores stop (%s%s)\n",
        found.name[0] != '\0' ? found.name : "(unnamed)", found.waits_for != nullptr ? "waiting for " : "running",
        found.waits_for != nullptr ? found.waits_for : "");
    if (n > 0) [[maybe_unused]]
      const auto wrote = ::write(STDERR_FILENO, text, static_cast<std::size_t>(n));
  };
  for (worker* w : workers) w->records.for_each(report);
  external_records->for_each(report);
}

}  // namespace weft::inline v0::detail

namespace weft::inline v0 {

runtime::runtime(runtime_options options)
    : impl_(new detail::runtime_impl(this, detail::resolve_options(options), false)) {}

runtime::~runtime() {
  detail::worker* w = detail::current_worker();
  WEFT_CHECK(w == nullptr || w->rt != impl_, "a runtime cannot be destroyed by one of its own fibers");
  if (impl_->stayed_behind()) return;  // nobody is here to end its fibers, nor to be joined
  impl_->drain();
  delete impl_;
}

void runtime::request_stop() noexcept {
  impl_->check_alive("request_stop");
  impl_->stop_everything();
}
unsigned runtime::workers() const noexcept { return static_cast<unsigned>(impl_->workers.size()); }

runtime* runtime::current() noexcept {
  detail::worker* w = detail::current_worker();
  return w == nullptr ? nullptr : w->rt->facade;
}

}  // namespace weft::inline v0
