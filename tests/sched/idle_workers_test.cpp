// Work never waits behind a busy worker while another one sleeps: also when that one went to sleep while all slept, so
// that it would not look again by itself.
#include <atomic>   // flags
#include <chrono>   // durations
#include <cstdint>  // uint64_t
#include <ctime>    // clock_gettime
#include <thread>   // plain threads
#include <utility>  // exchange
#include <vector>   // handles

#include <gtest/gtest.h>

#include <weft/sched/fiber.hpp>
#include <weft/sched/runtime.hpp>
#include <weft/sched/stop_tree.hpp>  // cancel_shield
#include <weft/sched/this_fiber.hpp>
#include <weft/sync/event.hpp>

#include <weft/base/atomic.hpp>  // spin_pause
#include "sched/runtime_impl.hpp"
#include "stack/depot.hpp"    // depot_due
#include "support/scale.hpp"  // stacks_with_room
#include "support/schedules.hpp"

namespace {

using namespace std::chrono_literals;
using weft::detail::runtime_impl;
constexpr auto patience = 20s;  // for what takes microseconds when nothing is lost

runtime_impl& internals_of(weft::runtime& rt) {
  return *rt.run([] { return weft::detail::current_worker()->rt; });
}

// All asleep, and none of them to look again without being woken.
void wait_until_nobody_is_awake(const runtime_impl& impl) {
  const int all = static_cast<int>(impl.workers.size());
  while (weft::detail::depot_due() != weft::detail::no_deadline) std::this_thread::yield();
  while (impl.idle.sleepers_hint() != all || impl.has_watcher()) std::this_thread::yield();
}

// A fiber that computes from a wake-up from outside until the end of the test.
class computing {
 public:
  explicit computing(weft::runtime& rt)
      : fiber_(rt.spawn([this] {
          parked_ = true;
          go_.wait();
          worker_ = weft::detail::current_worker()->index_in_runtime;
          started_ = true;
          while (!enough_) weft::detail::spin_pause();
        })) {
    while (!parked_) std::this_thread::yield();
    wait_until_nobody_is_awake(internals_of(rt));
    go_.set();
    while (!started_) std::this_thread::yield();
  }
  ~computing() { end(); }
  void end() { enough_ = true; }
  computing(const computing&) = delete;
  computing& operator=(const computing&) = delete;
  unsigned worker() const { return worker_; }

 private:
  std::atomic<bool> parked_{false}, started_{false}, enough_{false};
  unsigned worker_ = 0;  // its number in the runtime
  weft::event go_;
  weft::fiber<> fiber_;
};

TEST(IdleWorkers, TakeWhatIsSpawnedFromOutsideForABusyOne) {
  for (const unsigned workers : {2U, 3U}) {
    weft::runtime rt(weft::runtime_options{.workers = workers});
    runtime_impl& impl = internals_of(rt);
    computing hog(rt);
    impl.next_target.store(hog.worker(), weft::detail::memory_order_relaxed);
    auto f = rt.spawn([] { return 5; });
    EXPECT_TRUE(f.join_for(patience));
    hog.end();  // before f is joined for good
  }
}

TEST(IdleWorkers, TakeWhatIsSpreadFromOutsideToABusyOne) {
  weft::runtime rt(weft::runtime_options{.workers = 2});
  runtime_impl& impl = internals_of(rt);
  computing hog(rt);
  constexpr std::uint64_t many = 100;  // as if the other one had more to do
  auto& others = impl.workers[1 - hog.worker()]->placed;
  others.fetch_add(many, weft::detail::memory_order_relaxed);
  auto f = rt.spawn(weft::fiber_options{.spread = true}, [] { return 5; });
  EXPECT_TRUE(f.join_for(patience));
  hog.end();
  others.fetch_sub(many, weft::detail::memory_order_relaxed);
}

TEST(IdleWorkers, TakeTheLoneFiberOfASpawnerThatGoesOnComputing) {
  weft::runtime rt(weft::runtime_options{.workers = 3});
  std::atomic<bool> parked{false}, second_started{false}, third_ran{false};
  weft::event go;
  auto spawner = rt.spawn([&] {
    parked = true;
    go.wait();
    const auto until = std::chrono::steady_clock::now() + patience;
    auto second = weft::spawn([&] {
      second_started = true;
      while (!third_ran && std::chrono::steady_clock::now() < until) weft::detail::spin_pause();
    });
    while (!second_started && std::chrono::steady_clock::now() < until) weft::detail::spin_pause();
    auto third = weft::spawn([&] { third_ran = true; });
    while (!third_ran && std::chrono::steady_clock::now() < until) weft::detail::spin_pause();
    EXPECT_TRUE(second_started);
    EXPECT_TRUE(third_ran);
  });
  while (!parked) std::this_thread::yield();
  wait_until_nobody_is_awake(internals_of(rt));
  go.set();
  spawner.join();
}

// A wake-up across CPUs costs more than most fibers: whoever has been woken for one wakes nobody else for it. Workers that
// fall asleep at the same moment may take each other for awake and look again, once: hence a few are allowed for.
TEST(IdleWorkers, SleepOnWhenOneIsWokenForTheOnlyFiberThereIs) {
  weft::runtime rt(weft::runtime_options{.workers = 3});
  runtime_impl& impl = internals_of(rt);
  const auto sleepers = [&] { return impl.idle.sleepers_hint(); };
  const auto wait_until_all_can_be_woken = [&] {
    wait_until_nobody_is_awake(impl);
    for (const weft::detail::worker* w : impl.workers) {
      while (w->mail.asleep() == weft::detail::sleep_kind::none) std::this_thread::yield();
    }
  };
  int woken_needlessly = 0;
  for (int i = 0; i < 50; ++i) {  // three sleep as long as the waker has not counted the one it has woken
    wait_until_all_can_be_woken();
    woken_needlessly += rt.run(sleepers) < 2;
    wait_until_all_can_be_woken();
    woken_needlessly += rt.spawn({.spread = true}, sleepers).join() < 2;
  }
  EXPECT_LE(woken_needlessly, 5);
}

// What the thread of a worker has used. The threads of sanitizers, and whatever else runs in this process, do not count.
double cpu_seconds_of(const weft::detail::worker& w) {
  // No function of the C library makes the clock of a thread from its number; Linux, include/linux/posix-timers_types.h.
  constexpr clockid_t per_thread = 4, scheduled = 2;
  const auto clock = static_cast<clockid_t>(~static_cast<unsigned>(w.thread_id) << 3) | per_thread | scheduled;
  timespec used{};
  EXPECT_EQ(::clock_gettime(clock, &used), 0);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

TEST(Idle, ParkedFibersUseNoCpu) {
  weft::testing::with_real_workers([](weft::runtime& rt) {
    const bool slow = weft::testing::instrumented || weft::testing::emulated;
    const std::size_t count = slow ? 1'000 : weft::testing::stacks_with_room(rt.workers() == 2 ? 100'000 : 10'000);
    std::atomic<std::size_t> started{0};
    auto all = rt.run([&] {
      std::vector<weft::fiber<>> made;
      for (std::size_t i = 0; i < count; ++i) {
        made.push_back(weft::spawn([&] {
          ++started;
          weft::this_fiber::sleep_for(1000h);
        }));
      }
      return made;
    });
    while (started != count) std::this_thread::yield();
    const runtime_impl& impl = internals_of(rt);
    const auto used_by_workers = [&] {
      double sum = 0;
      for (const weft::detail::worker* w : impl.workers) sum += cpu_seconds_of(*w);
      return sum;
    };
    wait_until_nobody_is_awake(impl);
    const double before = used_by_workers();
    std::this_thread::sleep_for(300ms);  // no wait for anything: what is measured is a span of idleness
    // With ThreadSanitizer a sleeper looks for signals twenty times a second: src/base/kept_signals.hpp.
    EXPECT_LT(used_by_workers() - before, weft::testing::thread_sanitized ? 0.1 : 0.01);
    rt.run([&] { all.clear(); });
  });
}

// The destructor of a result is the user's code, and may wait: the fiber has not ended before it has.
TEST(RuntimeEnd, WaitsForTheDestructorOfADetachedFibersResult) {
  struct result {
    std::atomic<int>* stage;
    weft::event* go;
    result(std::atomic<int>& s, weft::event& e) : stage(&s), go(&e) {}
    result(result&& other) noexcept : stage(std::exchange(other.stage, nullptr)), go(other.go) {}
    ~result() {
      if (stage == nullptr) return;
      const weft::cancel_shield shield;
      *stage = 1;
      go->wait();
      *stage = 2;
    }
  };
  std::atomic<int> stage{0};
  std::atomic<bool> gone{false};
  weft::event detached, go;
  std::thread helper;
  {
    weft::runtime rt(weft::runtime_options{.workers = 1});
    runtime_impl& impl = internals_of(rt);
    auto f = rt.spawn([&] {
      detached.wait();  // whoever detaches a fiber that has ended destroys its result, and this thread could not wait
      return result(stage, go);
    });
    f.detach();
    detached.set();
    while (stage != 1) std::this_thread::yield();
    helper = std::thread([&] {
      while (!gone && !impl.draining.load(weft::detail::memory_order_acquire)) std::this_thread::yield();
      go.set();
    });
  }
  EXPECT_EQ(stage, 2);
  gone = true;
  helper.join();
}

}  // namespace
