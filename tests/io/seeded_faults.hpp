// Faults drawn from a seed: what the n-th call of a kind meets follows from the seed alone, whoever makes the call.
#pragma once
#include <array>               // array
#include <chrono>              // seconds
#include <condition_variable>  // condition_variable
#include <cstddef>             // size_t
#include <cstdint>             // uint64_t
#include <cstdlib>             // getenv, strtoull, abort
#include <mutex>               // mutex
#include <string>              // string
#include <system_error>        // error_code
#include <thread>              // thread
#include <utility>             // move
#include <vector>              // vector

#include <gtest/gtest.h>

#include <weft/base/atomic.hpp>

#include "io/os.hpp"
#include "support/scale.hpp"
#include "support/test_runtime.hpp"  // say_on_abort

namespace weft_test {

// Of the calls of a kind, one run of `in_a_row` in `one_in` meets one of `faults`; or only call number `only`, from 0.
struct fault_mix {
  static constexpr std::uint64_t by_chance = ~std::uint64_t{0};
  weft::detail::os::call which;
  std::vector<weft::detail::os::fault> faults;
  unsigned one_in = 8;
  unsigned in_a_row = 1;
  std::uint64_t only = by_chance;
};

// While one is in scope, calls meet what the seed says.
class seeded_faults {
 public:
  static constexpr std::size_t kinds = static_cast<std::size_t>(weft::detail::os::call::disposition) + 1;

  seeded_faults(std::uint64_t seed, std::vector<fault_mix> mixes) : seed_(seed), mixes_(std::move(mixes)) {
    current.store(this, std::memory_order_seq_cst);
    weft::detail::os::set_fault_hook(&decide);
  }
  // Workers that are idle make calls, too: those inside the hook leave it first.
  ~seeded_faults() {
    weft::detail::os::set_fault_hook(nullptr);
    current.store(nullptr, std::memory_order_seq_cst);     // pairs with decide(): it sees null, or is seen inside
    while (inside.load(std::memory_order_seq_cst) != 0) {  // pairs with decide()
      std::this_thread::yield();
    }
  }
  seeded_faults(const seeded_faults&) = delete;
  seeded_faults& operator=(const seeded_faults&) = delete;

  // Whether an operation may tell of this error: it was planted, or its time has passed.
  bool may_be_told(const std::error_code& error) const {
    if (error == std::errc::timed_out) return true;
    for (const fault_mix& mix : mixes_) {
      for (const auto& fault : mix.faults) {
        if (fault.error == error.value()) return true;
      }
    }
    return false;
  }
  // relaxed: a count, read when all is quiet
  std::uint64_t planted() const { return planted_.load(std::memory_order_relaxed); }

 private:
  static std::uint64_t mixed(std::uint64_t x) noexcept {  // splitmix64's last step
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
  }
  static weft::detail::os::fault decide(weft::detail::os::call which, int) noexcept {
    inside.fetch_add(1, std::memory_order_seq_cst);                       // pairs with the destructor
    seeded_faults* const plan = current.load(std::memory_order_seq_cst);  // pairs with the destructor
    const auto drawn = plan == nullptr ? weft::detail::os::fault{} : plan->draw(which);
    inside.fetch_sub(1, std::memory_order_seq_cst);  // pairs with the destructor: the plan is not looked at any more
    return drawn;
  }
  weft::detail::os::fault draw(weft::detail::os::call which) noexcept {
    for (const fault_mix& mix : mixes_) {
      if (mix.which != which) continue;
      const auto kind = static_cast<std::size_t>(which);
      const std::uint64_t n = seen_[kind].fetch_add(1, std::memory_order_relaxed);  // relaxed: a count
      const std::uint64_t drawn = mixed(seed_ * 0x9e3779b97f4a7c15U + kind * 0x632be59bd9b4e019U + n / mix.in_a_row);
      if (mix.only != fault_mix::by_chance ? n != mix.only : drawn % mix.one_in != 0) return {};
      planted_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a count
      return mix.faults[(drawn >> 32) % mix.faults.size()];
    }
    return {};
  }

  template <class T>
  using atomic = weft::detail::atomic<T>;
  inline static atomic<seeded_faults*> current{nullptr};
  inline static atomic<int> inside{0};
  const std::uint64_t seed_;
  const std::vector<fault_mix> mixes_;
  std::array<atomic<std::uint64_t>, kinds> seen_{};
  atomic<std::uint64_t> planted_{0};
};

// Ends the process when it lives for longer than anything it watches can take: that hangs.
class hang_guard {
 public:
  hang_guard() : thread_([this] { watch(); }) {}
  ~hang_guard() {
    {
      const std::lock_guard held(mutex_);
      over_ = true;
    }
    changed_.notify_one();
    thread_.join();
    weft::testing::say_on_abort(nullptr);
  }
  hang_guard(const hang_guard&) = delete;
  hang_guard& operator=(const hang_guard&) = delete;

  // What is done from now on; told if it hangs, or aborts otherwise.
  void goes_on(std::string what) {
    const std::lock_guard held(mutex_);
    ++steps_;
    weft::testing::say_on_abort(nullptr);
    what_ = std::move(what);
    weft::testing::say_on_abort(what_.c_str());
  }

 private:
  void watch() {
    std::unique_lock held(mutex_);
    for (std::uint64_t seen = steps_; !over_; seen = steps_) {
      if (!changed_.wait_for(held, std::chrono::seconds(60), [&] { return over_; }) && seen == steps_) {
        std::abort();  // say_on_abort() tells what it was
      }
    }
  }
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::uint64_t steps_ = 0;
  std::string what_;
  bool over_ = false;
  std::thread thread_;
};

// body(seed) for seeds 1 .. as many as seed_count() makes of `usual`; for that of WEFT_IO_SEED alone, if it is set. A seed
// that fails, or aborts, is named, and the last one.
template <class Body>
void under_io_seeds(std::size_t usual, Body&& body) {
  const char* const replayed = std::getenv("WEFT_IO_SEED");
  const std::uint64_t first = replayed == nullptr ? 1 : std::strtoull(replayed, nullptr, 10);
  const std::uint64_t last = replayed == nullptr ? weft::testing::seed_count(usual) : first;
  hang_guard guard;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    const std::string replay = "replay: WEFT_IO_SEED=" + std::to_string(seed) + " with the same --gtest_filter";
    guard.goes_on(replay);
    body(seed);
    if (testing::Test::HasFailure()) {
      ADD_FAILURE() << replay;
      return;
    }
  }
}

}  // namespace weft_test
