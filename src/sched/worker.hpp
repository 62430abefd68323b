// A worker: one OS thread that runs fibers. What only its thread touches comes first; what others push to comes last.
//
// Worker blocks are kept for the process and reused by later runtimes: a waker may still be inside a push or a wake when
// the runtime it meant has ended, and at worst wakes a stranger for nothing.
#pragma once
#include <chrono>        // steady_clock
#include <cstdint>       // fixed-width integers
#include <memory>        // unique_ptr
#include <system_error>  // error_code

#include <weft/fiber/record.hpp>

#include "context/sanitizer.hpp"  // sanitizer_state
#include "fiber/block.hpp"        // exception_words
#include "fiber/record_pool.hpp"  // record_pool
#include "sched/current.hpp"      // current_worker
#include "sched/deque.hpp"        // work_deque
#include "sched/inbox.hpp"        // inbox
#include "sched/injector.hpp"     // injector
#include "sched/park.hpp"         // time_point
#include "sched/poller.hpp"       // poller
#include "sched/ready_queue.hpp"  // ready_queue
#include "sched/timers.hpp"       // timer_heap
#include "stack/stack.hpp"        // stack_cache

namespace weft::inline v0::detail {

class runtime_impl;

class alignas(WEFT_CACHE_LINE) worker {
 public:
  static constexpr unsigned budget_per_dispatch = 128;

  // ---- switching: src/sched/hot_path.hpp, dispatch.cpp. All on the worker's own thread.

  // The fiber to run next, bound to a stack; null: back to the scheduler's own context.
  fiber_record* pick() noexcept;
  // Leaves the running fiber, which is queued or waits somewhere, for `next` (null: the scheduler). Returns when it is resumed.
  void leave(fiber_record& self, fiber_record* next) noexcept;
  // Runs `first` and whatever follows it, from the scheduler's own context, until something needs the scheduler.
  void run_from(fiber_record& first) noexcept;
  // Puts the running fiber behind the others and runs them. Returns at once when there are none.
  void yield_running() noexcept;
  fiber_record* pop_unstarted() noexcept { return has_thieves ? unstarted.pop() : unstarted.pop_alone(); }
  // The newest unstarted fiber, if it is `r` or satisfies the condition; else it stays where it is.
  template <class Wanted>
  fiber_record* take_newest(Wanted&& wanted) noexcept {
    fiber_record* const r = pop_unstarted();
    if (r == nullptr || wanted(*r)) return r;
    put_back(*r);
    return nullptr;
  }
  void put_back(fiber_record& r) noexcept;
  // Starts the newest unstarted fiber, if it is `child`, in place of the running fiber, which joins it. \return whether it
  // did: then `child` has ended, or has suspended and a stop has ended the wait for it. src/sched/join.cpp
  bool run_called(fiber_record& child) noexcept;
  // The running fiber, which has one of flags_before_leave, is about to be left.
  [[gnu::cold, gnu::noinline]] void before_leave(fiber_record& self, const char* what) noexcept;
  // The joins that entered this fiber, and those further out, become waits like others: somebody else is going to run.
  [[gnu::cold, gnu::noinline]] void end_calls(fiber_record& innermost) noexcept;
  // Runs an unstarted fiber to its end as a call on the running fiber's stack: src/sched/borrow.cpp.
  void run_borrowed(fiber_record& r) noexcept;
  // After one: they are dispatches, and a round of them ends like any other. May suspend.
  void note_borrowed() noexcept;
  // With debug checks, at each switch and where a fiber goes on without one: abort with the name of a fiber that is
  // resumed twice, or while it runs. src/sched/switch_checks.cpp.
  [[gnu::cold]] void check_leave(fiber_record& self, fiber_record* next, const char* what) const noexcept;
  [[gnu::cold]] void check_resume(fiber_record& next) const noexcept;
  [[gnu::cold]] void check_goes_on(const fiber_record& self, const char* what) const noexcept;
  static void mark_running(fiber_record& r) noexcept { r.ctx.owner_bits |= flag_running; }
  // Entry function of every stack: runs fibers on it as long as the next one is not started either.
  // Not noexcept: see closure_ops::run_detached.
  static void stack_main(void* self);

  // ---- the scheduler's own context: src/sched/worker_loop.cpp, stackless.cpp

  // Body of the worker's thread.
  void thread_main() noexcept;
  // Looks at inbox, injector, timers and descriptors, then runs fibers. \return false: there was nothing to run
  bool round() noexcept;
  // For schedules that choose among all fibers: the look of a round, and a stack for each fiber that has not started.
  void gather() noexcept;
  // After a publication: wakes a worker that searches, unless that has been in vain lately.
  void wake_searcher() noexcept;
  // Takes unstarted fibers of the runtime's other workers, the oldest first. \return whether it took any
  bool search() noexcept;
  // Places for that many started fibers at a time, wherever one may need a place. False: no memory, nothing lost.
  [[gnu::noinline]] bool make_room(std::size_t fibers) noexcept;
  void attach(runtime_impl& owner) noexcept;  // on the thread that will run it
  void detach() noexcept;
  // Any thread, after it has replaced the worker's asleep marker: ends the sleep.
  void end_sleep(sleep_kind kind) noexcept;

  // ---- owner only
  fiber_record* current = nullptr;  // the running fiber; null on the scheduler's context
  ready_queue ready;
  unsigned countdown = 1;  // dispatches until the cycle counter says whether to look around
  unsigned budget = budget_per_dispatch;
  std::uint16_t number = 0;  // in the table of all workers of the process
  bool has_thieves = false;  // the runtime has other workers
  unsigned index_in_runtime = 0;
  int thread_id = 0;                      // of the system, for dumps and debuggers; 0: no thread
  exception_words* exceptions = nullptr;  // this thread's __cxa_eh_globals
  runtime_impl* rt = nullptr;
  unsigned wake_skip = 0;  // spawns that shall not wake a searcher
  stack_cache stacks;
  std::error_code stack_error;  // why the last stack could not be had
  record_pool records;
  context scheduler;
  [[no_unique_address]] sanitizer_state scheduler_sanitizer;
  time_point tick{};  // the clock at the last look around
  timer_heap timers;
  std::size_t deadlines = 0;                // frames open here with a timer of their own, beside the waits of fibers
  std::uint64_t round_began = 0;            // cycle counter at the last look around
  std::uint64_t cycles_per_round = 50'000;  // measured against the clock as it goes
  fiber_record* stackless = nullptr;        // unstarted fibers that found no stack: the last of a ring linked by next
  time_point stackless_since{};             // since when none of them has found one
  std::unique_ptr<poller> descriptors;      // made on first use, kept with the block
  unsigned starvation = 0;                  // dispatches of started fibers while unstarted ones waited
  unsigned dispatched = 0;                  // in this round, but for the last few
  std::uint64_t random_state = 0;           // src/sched/random.cpp
  unsigned rounds_since_tending = 0;        // of the depot of stacks
  unsigned vain_searches = 0;               // since work was last found: sets how long a sleeper waits to search again
  bool searching = false;                   // counted as a searcher in the runtime's idle set
  bool displaces = false;  // it slept for long beside workers at work: it may take what was placed on them
  bool polled = false;     // the sleep that has just ended looked at the descriptors
  worker* next_pooled = nullptr;
  std::uint64_t chaos_drawn = 0;  // chaos mode: where its sequence stands

  // ---- written by the owner, read by others
  alignas(WEFT_CACHE_LINE) atomic<std::uint64_t> spawned{0};  // fibers spawned on this worker
  atomic<std::uint64_t> finished{0};                          // fibers that ended here
  atomic<std::uint64_t> running_stacks{0};                    // started fibers alive here
  atomic<std::uint64_t> placed{0};                            // fibers spread to this worker, not started yet
  work_deque<fiber_record> unstarted;

  // ---- pushed to by others
  inbox<fiber_record> mail;         // started fibers made ready elsewhere; has cache lines of its own
  injector<fiber_record> injected;  // unstarted fibers from elsewhere; has cache lines of its own
  injector<fiber_record>
      placements;  // as injected, but meant for this worker; others take them only when they lie there

 private:
  void leave_inline(fiber_record& self, fiber_record* next) noexcept;
  bool bind(fiber_record& r) noexcept;
  bool try_bind(fiber_record& r) noexcept;
  bool try_bind_inline(fiber_record& r) noexcept;
  void wait_for_stack(fiber_record& r) noexcept;
  void take_off_stackless(fiber_record& first) noexcept;
  void adopt(fiber_record& r, stack& s) noexcept;
  void adopt(fiber_record& r, stack& s, fiber_block& block) noexcept;
  fiber_record* pick_unbound() noexcept;
  fiber_record* pick_by_seed() noexcept;
  fiber_record* run_current();
  fiber_record* end_called(fiber_record& r) noexcept;
  void enter_called(fiber_record& self, fiber_record& child) noexcept;
  void look_around() noexcept;
  void begin_round(time_point now) noexcept;
  [[gnu::noinline]] bool round_goes_on() noexcept;
  void take_mail() noexcept;
  void take_injected(worker& from) noexcept;
  void take_placements(worker& from) noexcept;
  void expire_timers() noexcept;
  void retry_stackless() noexcept;
  void fail_without_stack(fiber_record& r) noexcept;
  bool anything_local() noexcept;
  bool anything_sent() const noexcept;
  bool watch(unsigned pauses) const noexcept;
  bool polls() const noexcept;
  bool anything_anywhere() const noexcept;
  void end_search() noexcept;
  void block(sleep_kind kind) noexcept;
  void idle() noexcept;
};

// Adds to a counter that only the calling thread writes.
inline void bump(atomic<std::uint64_t>& counter, std::uint64_t by = 1) noexcept {
  // relaxed load: single writer. The release pairs with runtime_impl::quiescent().
  counter.store(counter.load(memory_order_relaxed) + by, memory_order_release);
}

// Any worker of the process by its number.
worker& worker_at(std::uint16_t number) noexcept;
// How many there are: their numbers are those below. Any thread.
std::size_t workers_made() noexcept;

// A fiber that was spread to a worker has started somewhere, or never will.
inline void unplace(const fiber_record& r) noexcept {
  worker_at(r.home).placed.fetch_sub(1, memory_order_relaxed);  // relaxed: a heuristic
}

// The record a parker is part of. \pre not a thread's
inline fiber_record& record_of(parker& p) noexcept {
  return *reinterpret_cast<fiber_record*>(reinterpret_cast<std::byte*>(&p) - offsetof(fiber_record, park));
}

// A block from the pool, or a new one. Throws std::bad_alloc, std::system_error when there are 4096 already.
worker& acquire_worker();
void release_worker(worker& w) noexcept;

}  // namespace weft::inline v0::detail
