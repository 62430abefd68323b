// A runtime: its workers, what they share, and its end.
#pragma once
#include <cstdint>  // fixed-width integers
#include <thread>   // thread
#include <vector>   // vector

#include <weft/sched/runtime.hpp>

#include <weft/base/spin_lock.hpp>
#include "base/forks.hpp"         // forks_passed
#include "fiber/record_pool.hpp"  // record_pool
#include "sched/idle.hpp"         // idle_set
#include "sched/worker.hpp"       // worker

namespace weft::inline v0::detail {

// Choices of a deterministic run. One object per runtime, used by its only thread.
class seeded_choice {
 public:
  virtual ~seeded_choice() = default;
  virtual std::size_t below(std::size_t n) noexcept = 0;  // 0 .. n-1
  // True: every dispatch is a choice among all fibers that could run, made by among(); false: each is drawn alike.
  virtual bool looks_at_fibers() const noexcept { return false; }
  // Which of these runs next. \pre there is one
  virtual std::size_t among(const ready_queue& candidates) noexcept { return below(candidates.size()); }
};

// The clock of a runtime that does not follow real time.
class virtual_clock {
 public:
  virtual ~virtual_clock() = default;
  virtual time_point now() noexcept = 0;
};

class runtime_impl {
 public:
  // Throws std::system_error, std::invalid_argument, std::bad_alloc. With `driven` no thread is started: the owner
  // calls the only worker's round() itself (deterministic tests).
  runtime_impl(runtime* facade, runtime_options resolved, bool driven);
  ~runtime_impl();
  runtime_impl(const runtime_impl&) = delete;
  runtime_impl& operator=(const runtime_impl&) = delete;

  void stop_everything() noexcept;
  // Requests stop and waits until every fiber has ended; names those that ignore it.
  void drain() noexcept;
  // True when no fiber is alive; exact once nothing outside spawns any more.
  bool quiescent() const noexcept;
  // Called by a worker without work while the runtime drains.
  void note_idle() noexcept;
  // A searcher is wanted: ends the sleep of one worker, if any sleeps, trying number `first` first.
  bool wake_one(unsigned first) noexcept;
  void wake_all() noexcept;
  // Some sleeper will look at all sources within 16 ms: what the caller has just published need not wake anybody.
  // Sequentially consistent: after the publication; pairs with the end of the watcher's sleep, which comes before its look.
  bool has_watcher() const noexcept { return watchers.load(memory_order_seq_cst) != 0; }
  // This process is a child that fork() has made since: the workers are threads of the parent. A driven runtime has none.
  bool stayed_behind() const noexcept;
  // Fatal where it stayed behind: whoever calls would wait for ever.
  void check_alive(const char* what) const noexcept;
  time_point now() noexcept;
  // Started fibers alive on all workers.
  std::uint64_t stacks_in_use() const noexcept;

  runtime* const facade;
  const runtime_options options;
  const unsigned stack_class;
  const std::size_t enough_to_lend;  // bytes a stack must have left for a child to run on it
  const bool driven;
  std::vector<worker*> workers;
  seeded_choice* seeded = nullptr;  // set before the first fiber, or never
  virtual_clock* clock = nullptr;

  alignas(WEFT_CACHE_LINE) atomic<bool> stopping{false};  // fibers spawned from now on are born stopped
  atomic<bool> draining{false};                           // the destructor waits
  atomic<bool> ended{false};                              // workers leave their loops
  atomic<std::uint32_t> drained{0};                       // futex: 1 when quiescent
  atomic<unsigned> search_backoff{0};                     // spawns to let pass before the next searcher is woken
  atomic<unsigned> watchers{0};                           // sleepers that will look for work again by themselves
  idle_set<> idle;

  // Spawns from plain threads and other runtimes.
  alignas(WEFT_CACHE_LINE) spin_lock external_lock{lock_rank::runtime};
  record_pool* external_records;
  atomic<std::uint64_t> external_spawned{0};
  atomic<unsigned> next_target{0};

 private:
  const unsigned made_after_forks_ = forks_passed();
  void start_threads();
  void end_threads() noexcept;
  void report_survivors() noexcept;
  std::vector<std::thread> threads_;
};

// Who runs on this thread, for fatal(): " [in fiber 'name' ...]". Async-signal-safe.
unsigned describe_running_fiber(char* out, unsigned size) noexcept;
// Writes to standard error that the running fiber has swallowed weft::cancelled so often. \pre there is one
void report_swallowed(unsigned times) noexcept;

// Checks and completes options: environment, number of CPUs. Throws std::invalid_argument with what to do.
runtime_options resolve_options(runtime_options given);

}  // namespace weft::inline v0::detail
