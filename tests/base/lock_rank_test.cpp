// The locks inside words have a rank, too: what breaks their order, or suspends under one, is reported with its fiber.
#include <chrono>        // durations
#include <memory>        // unique_ptr
#include <mutex>         // scoped_lock
#include <optional>      // received values
#include <shared_mutex>  // shared_lock
#include <thread>        // plain threads
#include <utility>       // exchange
#include <vector>        // handles

#include <gtest/gtest.h>

#include <weft/base/spin_lock.hpp>
#include <weft/weft.hpp>

#include "support/child.hpp"
#include "sync/wait_queue.hpp"  // lock_queue

namespace {

using weft::detail::lock_rank;
using weft::detail::spin_lock;
using queue_word = weft::detail::atomic<std::uintptr_t>;

template <class Body>
weft::testing::child_result in_fiber(Body body) {
  return weft::testing::run_in_child([&] {
    weft::detail::debug_checks_on.store(true, weft::detail::memory_order_relaxed);
    weft::run({.workers = 1}, [&] { weft::spawn({.name = "culprit"}, [&] { body(); }).join(); });
  });
}

void expect_abort(const weft::testing::child_result& child, const char* text) {
  EXPECT_TRUE(child.killed_by(SIGABRT));
  EXPECT_NE(child.errors.find(text), std::string::npos) << child.errors;
  EXPECT_NE(child.errors.find("in fiber 'culprit'"), std::string::npos) << child.errors;
}

TEST(LockRank, AnInvertedOrderIsReportedWithTheFibersName) {
  expect_abort(in_fiber([] {
                 spin_lock pool{lock_rank::pool}, leaf;
                 const std::scoped_lock outer(leaf);
                 const std::scoped_lock inner(pool);
               }),
               "lock order: a lock of rank 3");
}

TEST(LockRank, ALockUnderAListOfWaitersIsReported) {
  expect_abort(in_fiber([] {
                 queue_word word{0};
                 weft::detail::lock_queue(word);
                 spin_lock leaf;
                 const std::scoped_lock inner(leaf);
               }),
               "lock order: a lock of rank 4");
}

TEST(LockRank, ASuspensionUnderAListOfWaitersIsReported) {
  expect_abort(in_fiber([] {
                 queue_word word{0};
                 weft::detail::lock_queue(word);
                 weft::this_fiber::sleep_for(std::chrono::hours(1));
               }),
               "a fiber is suspended (sleep) while its thread holds a lock of rank 5");
}

TEST(LockRank, AYieldWithALockHeldIsReported) {
  expect_abort(in_fiber([] {
                 auto other = weft::spawn([] {
                   weft::this_fiber::yield();
                   weft::this_fiber::yield();
                 });
                 weft::this_fiber::yield();  // it has begun: else its stack may be taken from the pool, under a lock
                 spin_lock mine;
                 const std::scoped_lock held(mine);
                 weft::this_fiber::yield();
               }),
               "a fiber is suspended (yield) while its thread holds a lock");
}

TEST(LockRank, AListIsFreeAgainAfterItsStore) {
  const auto child = in_fiber([] {
    queue_word word{0};
    weft::detail::unlock_queue(word, weft::detail::lock_queue(word));
    spin_lock pool{lock_rank::pool};
    const std::scoped_lock held(pool);
  });
  EXPECT_TRUE(child.passed()) << child.errors;
}

TEST(LockRank, ChannelsAreLockedInTheOrderOfTheirAddresses) {
  queue_word words[2] = {0, 0};
  const auto upwards = in_fiber([&] {
    weft::detail::lock_queue(words[0], lock_rank::channel);
    weft::detail::lock_queue(words[1], lock_rank::channel);
    weft::detail::unlock_queue(words[0], 0);
    weft::detail::unlock_queue(words[1], 0);
  });
  EXPECT_TRUE(upwards.passed()) << upwards.errors;
  expect_abort(in_fiber([&] {
                 weft::detail::lock_queue(words[1], lock_rank::channel);
                 weft::detail::lock_queue(words[0], lock_rank::channel);
               }),
               "lock order: a lock of rank 0");
}

// A move may use what locks further inside, but not another channel at will.
struct sends_when_moved {
  weft::channel<int>* to = nullptr;
  sends_when_moved() = default;
  explicit sends_when_moved(weft::channel<int>& c) : to(&c) {}
  sends_when_moved(sends_when_moved&& other) noexcept : to(std::exchange(other.to, nullptr)) {
    if (to != nullptr) static_cast<void>(to->try_receive());
  }
  sends_when_moved& operator=(sends_when_moved&& other) noexcept {
    to = std::exchange(other.to, nullptr);
    return *this;
  }
};

TEST(LockRank, AMoveThatUsesAChannelOfALowerAddressIsReported) {
  expect_abort(in_fiber([] {
                 struct {
                   weft::channel<int> lower{1};
                   weft::channel<sends_when_moved> upper{1};
                 } c;
                 c.lower.send(1);
                 c.upper.send(sends_when_moved(c.lower));
                 c.upper.receive();
               }),
               "lock order: a lock of rank 0");
}

TEST(LockRank, ASelectOfManyChannelsPasses) {
  const auto child = in_fiber([] {
    std::vector<std::unique_ptr<weft::channel<int>>> channels;
    for (int i = 0; i < 8; ++i) channels.push_back(std::make_unique<weft::channel<int>>(1));
    auto& c = channels;
    c[7]->send(7);
    const auto ignore = [](std::optional<int>) {};
    weft::channel<int> more[12];
    weft::select(
        weft::on_receive(more[0], ignore), weft::on_receive(more[1], ignore), weft::on_receive(more[2], ignore),
        weft::on_receive(more[3], ignore), weft::on_receive(more[4], ignore), weft::on_receive(more[5], ignore),
        weft::on_receive(more[6], ignore), weft::on_receive(more[7], ignore), weft::on_receive(more[8], ignore),
        weft::on_receive(more[9], ignore), weft::on_receive(more[10], ignore), weft::on_receive(more[11], ignore),
        weft::on_receive(*c[0], ignore), weft::on_receive(*c[1], ignore), weft::on_receive(*c[2], ignore),
        weft::on_receive(*c[3], ignore), weft::on_receive(*c[4], ignore), weft::on_receive(*c[5], ignore),
        weft::on_receive(*c[6], ignore), weft::on_receive(*c[7], ignore));
    weft::this_fiber::yield();  // nothing is held any more
  });
  EXPECT_TRUE(child.passed()) << child.errors;
}

// Everything that has such a lock, contended, with stops and deadlines: no order is broken, nothing stays held.
TEST(LockRank, PrimitivesAndStopStatesPass) {
  const auto child = in_fiber([] {
    using namespace std::chrono_literals;
    weft::event event;
    weft::counting_semaphore<> semaphore{0}, never{0};
    weft::latch latch{4};
    weft::barrier<> barrier{4};
    weft::wait_group group;
    weft::shared_timed_mutex shared;
    weft::condition_variable_any changed;
    weft::once_flag once;
    weft::promise<int> promise;
    weft::shared_future<int> result = promise.get_future();
    weft::stop_source source;
    std::vector<weft::fiber<>> fibers;
    group.add(4);
    for (int i = 0; i < 4; ++i) {
      fibers.push_back(weft::spawn([&] {
        const weft::stop_callback stopped(source.get_token(), [&] { event.set(); });
        weft::call_once(once, [] { weft::this_fiber::yield(); });
        event.wait();
        EXPECT_FALSE(never.try_acquire_for(1us));
        semaphore.acquire();
        latch.arrive_and_wait();
        barrier.arrive_and_wait();
        for (int k = 0; k < 20; ++k) {
          if (shared.try_lock_for(1ms)) {
            weft::this_fiber::yield();
            shared.unlock();
          }
          std::shared_lock lock(shared);
          weft::this_fiber::yield();
        }
        std::unique_lock lock(shared);
        EXPECT_FALSE(changed.wait_for(lock, source.get_token(), 1h, [] { return false; }));
        lock.unlock();
        group.done();
        EXPECT_EQ(result.get(), 3);
      }));
    }
    weft::this_fiber::yield();
    std::thread requester([&] { source.request_stop(); });
    requester.join();
    semaphore.release(4);
    group.wait();
    promise.set_value(3);
    for (auto& f : fibers) f.join();
  });
  EXPECT_TRUE(child.passed()) << child.errors;
}

}  // namespace
