// A condition variable with any lock may be destroyed as soon as a wait on it has returned: also by a waiter that was still
// unlocking when the notifier found it, and so had nothing to park for.
//
// The waiter's unlock() waits until the notifier, which holds no lock, is on its way into notify; so the two meet where the
// notifier has chosen the waiter and has not let go of the queue. The waiter then destroys the variable and writes over the
// place. A notifier that is still inside is found by the destructor's check, by the pattern, or by a sanitizer.
#include <atomic>   // handshake
#include <cstddef>  // byte
#include <cstring>  // memset
#include <memory>   // construct_at, destroy_at
#include <thread>   // plain threads

#include <gtest/gtest.h>

#include <weft/sched/this_fiber.hpp>
#include <weft/sync/condition_variable_any.hpp>
#include <weft/sync/mutex.hpp>

#include "support/schedules.hpp"

namespace {

using namespace weft::testing;

constexpr int rounds = 1000;

// Both sides poll; see tests/sync/lifetime_test.cpp.
void poll(const std::atomic<bool>& flag) {
  for (unsigned n = 1; !flag; ++n) {
    weft::this_fiber::yield();
    if (n % 64 == 0) std::this_thread::yield();
  }
}

class meeting {
 public:
  void wait_and_destroy() {
    auto* const variable = std::construct_at(reinterpret_cast<weft::condition_variable_any*>(place_));
    lock_.lock();
    variable_ = variable;
    variable->wait(*this);
    EXPECT_TRUE(notifying_);
    std::destroy_at(variable);
    std::memset(place_, 0x5a, sizeof place_);
    lock_.unlock();
    poll(notified_);
    for (const std::byte b : place_) EXPECT_EQ(b, std::byte{0x5a});
  }
  void notify(bool all) {
    poll(unlocked_);
    weft::condition_variable_any* const variable = variable_;
    notifying_ = true;
    all ? variable->notify_all() : variable->notify_one();
    notified_ = true;
  }

  // The waiter's lock: what it releases is free while it still unlocks.
  void lock() { lock_.lock(); }
  void unlock() {
    lock_.unlock();
    unlocked_ = true;
    poll(notifying_);
  }

 private:
  alignas(weft::condition_variable_any) std::byte place_[sizeof(weft::condition_variable_any)] = {};
  weft::mutex lock_;
  weft::condition_variable_any* variable_ = nullptr;
  std::atomic<bool> unlocked_{false};
  std::atomic<bool> notifying_{false};
  std::atomic<bool> notified_{false};
};

// body(meeting&, round) on either side, of the same meetings.
template <class Waiter, class Notifier>
void meet_often(const Waiter& start_waiter, const Notifier& start_notifier) {
  const chaos_scope chaos(chaos_seed_of_running_case());
  std::atomic<meeting*> current{nullptr};
  std::atomic<int> done{0};
  auto waiter = start_waiter([&] {
    for (int i = 0; i < rounds; ++i) {
      meeting m;
      current = &m;
      m.wait_and_destroy();
      while (done != i + 1) weft::this_fiber::yield();
    }
  });
  auto notifier = start_notifier([&] {
    for (int i = 0; i < rounds; ++i) {
      meeting* m = nullptr;
      for (; (m = current.exchange(nullptr)) == nullptr; std::this_thread::yield()) weft::this_fiber::yield();
      m->notify(i % 2 == 0);
      ++done;
    }
  });
  waiter.join();
  notifier.join();
  EXPECT_EQ(done, rounds);
}

TEST(AnyConditionEnd, BetweenThreads) {
  const auto start = [](auto body) { return std::thread(body); };
  meet_often(start, start);
}

TEST(AnyConditionEnd, BetweenFibersOfTwoRuntimes) {
  weft::runtime one({.workers = 1});
  weft::runtime two({.workers = 1});
  meet_often([&](auto body) { return one.spawn(body); }, [&](auto body) { return two.spawn(body); });
}

TEST(AnyConditionEnd, OfAFiberThatAThreadNotifies) {
  weft::runtime one({.workers = 1});
  meet_often([&](auto body) { return one.spawn(body); }, [](auto body) { return std::thread(body); });
}

}  // namespace
