// A runtime for tests that is the same each time: one OS thread (the test's own), virtual time, and an order drawn from
// a seed. The library runs unchanged; only its three doors to the outside (order, time, sleeping) lead here.
//
//   test_runtime rt{7};                                   // or {.seed = 7, .workers = 2}
//   auto late = rt.spawn("late", [&] { ... });
//   rt.run_until_idle();                                  // everything that can run has run; nobody slept
//   rt.advance(5ms);
//   late.join();                                          // drives the fibers, lets time jump to the next timer
//
// A runtime of several workers is driven by the one thread too, a short run of one worker after the other: started
// fibers stay with theirs, unstarted ones are stolen, wake-ups go through inboxes.
// Each choice is drawn alike, or, with .pct_depth, follows from random priorities (priorities.hpp).
// The case fails when a fiber, stack or timer outlives its test_runtime. A wait that can never end aborts with a list of
// what is parked. Waits for anything but this runtime's fibers and timers (other runtimes, descriptors) cannot end.
#pragma once
#include <chrono>       // durations
#include <cstdint>      // uint64_t
#include <memory>       // unique_ptr
#include <optional>     // priorities
#include <string>       // reports
#include <string_view>  // names
#include <utility>      // forward

#include <gtest/gtest.h>

#include <weft/sched/runtime.hpp>

#include "sched/driver.hpp"        // driver
#include "sched/runtime_impl.hpp"  // runtime_impl, virtual_clock
#include "support/priorities.hpp"
#include "support/seeded_random.hpp"

namespace weft::testing {

struct test_schedule {
  std::uint64_t seed = 0;
  unsigned workers = 1;
  unsigned pct_depth = 0;         // 0: each choice is drawn alike; else d of probabilistic concurrency testing
  std::uint64_t pct_steps = 256;  // about as many as the case takes: priorities change at some of them
  // Steps without progress of time after which the case counts as livelocked: a fiber that polls the clock and yields
  // never lets time pass.
  unsigned livelock_steps = 50'000'000;
};

// "seed[:workers[:pctD[/steps]]]", as in WEFT_TEST_SEED; workers 0: not said. Aborts with a message when it is something else.
test_schedule parse_schedule(const char* text);

// Written to standard error if the process aborts; null: nothing.
void say_on_abort(const char* what) noexcept;

class test_runtime final : detail::driver, detail::virtual_clock {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit test_runtime(std::uint64_t seed) : test_runtime(test_schedule{.seed = seed}) {}
  explicit test_runtime(test_schedule schedule);
  ~test_runtime() override;
  test_runtime(const test_runtime&) = delete;
  test_runtime& operator=(const test_runtime&) = delete;

  template <class F, class... A>
  auto spawn(std::string_view name, F&& f, A&&... args) {
    return facade_->spawn(fiber_options{.name = name}, std::forward<F>(f), std::forward<A>(args)...);
  }
  template <class F, class... A>
  auto spawn(const fiber_options& options, F&& f, A&&... args) {
    return facade_->spawn(options, std::forward<F>(f), std::forward<A>(args)...);
  }
  // Runs `main` as a fiber to its end.
  template <class F>
  decltype(auto) run(F&& main) {
    return spawn("main", std::forward<F>(main)).join();
  }

  // Runs fibers until each has ended or waits. Time stands still.
  void run_until_idle();
  // Lets `d` pass: timers fire in their order, each at its own time, and what they wake runs.
  void advance(std::chrono::nanoseconds d);
  time_point now() noexcept override { return now_; }

  runtime& get() noexcept { return *facade_; }
  test_schedule schedule() const noexcept { return schedule_; }
  std::uint64_t choices() const noexcept { return random_.drawn(); }
  std::uint64_t fingerprint() const noexcept { return random_.fingerprint(); }  // of all choices so far
  unsigned parked_count();  // fibers that wait and have not been woken
  unsigned live_count();    // fibers that have not ended, unstarted ones too
  std::string describe();   // one line for each started fiber

 private:
  void drive_until(detail::atomic<std::uint32_t>& delivered, time_point deadline) noexcept override;
  std::size_t random_below(std::size_t n) noexcept override { return random_.below(n); }
  bool step();  // a short run of one worker. False: nothing can run
  bool step_by_priority();
  bool turn(detail::worker& w);
  time_point next_timer();
  void check_nothing_left();
  [[noreturn]] void report_livelock();
  template <class Visit>
  void for_each_started(Visit&& visit);

  const test_schedule schedule_;
  const std::string repro_;
  ::testing::ScopedTrace trace_;  // each failed expectation shows the repro
  seeded_random random_;
  std::optional<priority_choice> priorities_;
  time_point now_;
  std::unique_ptr<runtime> facade_;
  detail::runtime_impl* impl_ = nullptr;
  detail::driver* outer_ = nullptr;
};

}  // namespace weft::testing
