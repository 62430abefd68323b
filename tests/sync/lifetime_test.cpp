// A primitive may be destroyed as soon as a wait on it has returned, even if the waker is still inside.
//
// Each case runs two loops that have nothing but a pointer between them: one makes the primitive on its own stack, hands
// the pointer over, waits and returns, so that the next frame lies where the primitive was; the other wakes it and must
// be out of it by then. A late touch is seen by the thread sanitizer, as a race with the memory's next user, whenever the
// two run on different threads; by the address sanitizer, as a use after free, if it comes late enough; and as a changed
// byte in the pattern that is written over the dead frame.
#include <array>     // stains
#include <atomic>    // the pointer
#include <chrono>    // durations
#include <cstddef>   // byte
#include <memory>    // unique_ptr
#include <mutex>     // lock_guard, unique_lock
#include <optional>  // what channels deliver
#include <sched.h>   // sched_yield
#include <thread>    // plain threads

#include <gtest/gtest.h>

#include <weft/sched/this_fiber.hpp>
#include <weft/sync/async.hpp>
#include <weft/sync/barrier.hpp>
#include <weft/sync/call_once.hpp>
#include <weft/sync/channel.hpp>
#include <weft/sync/condition_variable.hpp>
#include <weft/sync/condition_variable_any.hpp>
#include <weft/sync/event.hpp>
#include <weft/sync/future.hpp>
#include <weft/sync/latch.hpp>
#include <weft/base/cpu.hpp>  // read_cycles
#include <weft/sync/mutex.hpp>
#include <weft/sync/recursive_timed_mutex.hpp>
#include <weft/sync/select.hpp>
#include <weft/sync/semaphore.hpp>
#include <weft/sync/shared_timed_mutex.hpp>
#include <weft/sync/stop_token.hpp>
#include <weft/sync/timed_mutex.hpp>
#include <weft/sync/wait_group.hpp>

#include "support/schedules.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;

// The loops of this file poll. Where there is more to do than CPUs, a poll in vain would cost whoever is polled for the
// rest of a time slice, and a thousand rounds a minute: now and then the thread gives its CPU away, too.
void yield() {
  weft::this_fiber::yield();
  if (weft::detail::read_cycles() / 64 % 64 == 0) ::sched_yield();
}

// One shape for all: wait() and wake() are called once on each object, by different loops.
struct one_event {
  weft::event e;
  void wait() { e.wait(); }
  void wake() { e.set(); }
};
struct one_timed_event {
  weft::event e;
  void wait() {
    while (!e.wait_for(50us)) {
    }
  }
  void wake() { e.set(); }
};
struct one_wait_group {
  one_wait_group() { g.add(2); }
  weft::wait_group g;
  void wait() { g.wait(); }
  void wake() {
    g.done();
    g.done();
  }
};
struct one_mutex {
  weft::mutex m;
  bool woken = false;
  void wait() {
    for (bool done = false; !done; yield()) {
      const std::lock_guard lock(m);
      done = woken;
    }
  }
  void wake() {
    const std::lock_guard lock(m);
    woken = true;
  }
};
// The waker holds the mutex first, so that the waiter is handed it or wakes to take it.
struct one_held_mutex {
  weft::mutex m;
  std::atomic<bool> held{false};
  void wait() {
    while (!held) yield();
    const std::lock_guard lock(m);
  }
  void wake() {
    const std::lock_guard lock(m);
    held = true;
    yield();
  }
};
struct one_condition {
  weft::mutex m;
  weft::condition_variable c;
  bool woken = false;
  void wait() {
    std::unique_lock lock(m);
    c.wait(lock, [&] { return woken; });
  }
  void wake() {
    const std::lock_guard lock(m);
    woken = true;
    c.notify_one();
  }
};
struct one_condition_for_all {
  weft::mutex m;
  weft::condition_variable c;
  bool woken = false;
  void wait() {
    std::unique_lock lock(m);
    while (!c.wait_for(lock, 50us, [&] { return woken; })) {
    }
  }
  void wake() {
    const std::lock_guard lock(m);
    woken = true;
    c.notify_all();
  }
};
// The promise goes with the wait, while set_value() is still inside.
struct one_promise {
  weft::promise<int> p;
  weft::future<int> f = p.get_future();
  void wait() { EXPECT_EQ(f.get(), 4); }
  void wake() { p.set_value(4); }
};
struct one_polled_promise {
  weft::promise<void> p;
  weft::shared_future<void> f = p.get_future();
  void wait() {
    while (f.wait_for(0s) != std::future_status::ready) {
    }
  }
  void wake() { p.set_value(); }
};
struct one_task {
  weft::packaged_task<int(int)> task{[](int n) { return n; }};
  weft::future<int> f = task.get_future();
  void wait() {
    while (f.wait_for(50us) != std::future_status::ready) {
    }
  }
  void wake() { task(7); }
};
// The callback ends while the requester is on its way out of it; then the source goes, too.
struct one_stop_callback {
  weft::stop_source source;
  std::atomic<bool> called{false};
  void wait() {
    const weft::stop_callback callback(source.get_token(), [this] { called = true; });
    while (!called) yield();
  }
  void wake() { source.request_stop(); }
};
// The wait ends because of a token; variable and source go, while the callback that ended it is still inside.
struct one_stopped_condition {
  weft::mutex m;
  weft::condition_variable c;
  weft::stop_source source;
  void wait() {
    std::unique_lock lock(m);
    EXPECT_FALSE(c.wait(lock, source.get_token(), [] { return false; }));
  }
  void wake() { source.request_stop(); }
};

// As one_held_mutex, for locks of all kinds; the waiter's lock is the last one.
template <class Mutex, bool waiter_reads, bool waker_reads>
struct one_held_lock {
  Mutex m;
  std::atomic<bool> held{false};
  void wait() {
    while (!held) yield();
    while (!try_lock()) {
    }
    if constexpr (waiter_reads)
      m.unlock_shared();
    else
      m.unlock();
  }
  bool try_lock() {
    if constexpr (waiter_reads)
      return m.try_lock_shared_for(50us);
    else
      return m.try_lock_for(50us);
  }
  void wake() {
    if constexpr (waker_reads)
      m.lock_shared();
    else
      m.lock();
    held = true;
    yield();
    if constexpr (waker_reads)
      m.unlock_shared();
    else
      m.unlock();
  }
};
using one_held_timed_mutex = one_held_lock<weft::timed_mutex, false, false>;
using one_held_recursive_mutex = one_held_lock<weft::recursive_timed_mutex, false, false>;
using one_written_lock = one_held_lock<weft::shared_timed_mutex, false, false>;
using one_read_then_written_lock = one_held_lock<weft::shared_timed_mutex, false, true>;
using one_written_then_read_lock = one_held_lock<weft::shared_timed_mutex, true, false>;
struct one_semaphore {
  weft::binary_semaphore s{0};
  void wait() { s.acquire(); }
  void wake() { s.release(); }
};
struct one_timed_semaphore {
  weft::counting_semaphore<> s{0};
  void wait() {
    while (!s.try_acquire_for(50us)) {
    }
  }
  void wake() { s.release(); }
};
struct one_latch {
  weft::latch l{2};
  void wait() { l.arrive_and_wait(); }
  void wake() { l.count_down(); }
};
struct one_latch_waited_for {
  weft::latch l{2};
  void wait() {
    l.count_down();
    l.wait();
  }
  void wake() { l.count_down(); }
};
struct one_timed_latch {
  weft::latch l{1};
  void wait() {
    while (!l.wait_for(50us)) {
    }
  }
  void wake() { l.count_down(); }
};
struct one_timed_wait_group {
  one_timed_wait_group() { g.add(1); }
  weft::wait_group g;
  void wait() {
    while (!g.wait_for(50us)) {
    }
  }
  void wake() { g.done(); }
};
struct one_barrier_with_token {
  weft::barrier<> b{2};
  void wait() { b.wait(b.arrive()); }
  void wake() { static_cast<void>(b.arrive()); }
};
struct one_timed_barrier {
  weft::barrier<> b{2};
  void wait() {
    const auto arrived = b.arrive();
    while (!b.wait_for(arrived, 50us)) {
    }
  }
  void wake() { static_cast<void>(b.arrive()); }
};
// Both only arrive and wait: who returns first destroys it under the other.
struct one_barrier {
  weft::barrier<> b{2};
  void wait() { b.arrive_and_wait(); }
  void wake() { b.arrive_and_wait(); }
};
struct one_latch_for_both {
  weft::latch l{2};
  void wait() { l.arrive_and_wait(); }
  void wake() { l.arrive_and_wait(); }
};
struct one_flag {
  weft::once_flag f;
  std::atomic<bool> runs{false};
  void wait() {
    while (!runs) yield();
    weft::call_once(f, [] { ADD_FAILURE(); });
  }
  void wake() {
    weft::call_once(f, [&] {
      runs = true;
      yield();
    });
  }
};
// Notified outside of the lock, so that the waiter may still be unlocking; and it returns for no other reason.
struct one_any_condition {
  weft::mutex m;
  weft::condition_variable_any c;
  bool waits = false;
  void wait() {
    std::unique_lock lock(m);
    waits = true;
    c.wait(lock);
  }
  void wake() {
    for (bool ready = false; !ready; yield()) {
      const std::lock_guard lock(m);
      ready = waits;
    }
    c.notify_all();
  }
};

struct one_timed_any_condition {
  weft::mutex m;
  weft::condition_variable_any c;
  bool woken = false;
  void wait() {
    std::unique_lock lock(m);
    while (!c.wait_for(lock, 50us, [&] { return woken; })) {
    }
  }
  void wake() {
    const std::lock_guard lock(m);
    woken = true;
    c.notify_one();
  }
};
// The last future goes while the fiber that filled it is on its way out.
struct one_async {
  std::atomic<bool> woken{false};
  void wait() {
    const auto policy = weft::this_fiber::is_fiber() ? std::launch::async : std::launch::deferred;
    auto result = weft::async(policy, [this] {
      while (!woken) yield();
      return 5;
    });
    EXPECT_EQ(result.get(), 5);
  }
  void wake() { woken = true; }
};

struct one_rendezvous {
  weft::channel<int> c;
  void wait() { EXPECT_EQ(c.receive(), 1); }
  void wake() { c.send(1); }
};
struct one_buffered_value {
  weft::channel<std::unique_ptr<int>> c{1};
  void wait() {
    while (!c.receive_for(50us)) {
    }
  }
  void wake() { c.send(std::make_unique<int>(1)); }
};
// The other way round: the one that sends destroys it.
struct one_sender {
  weft::channel<int> c;
  void wait() { c.send(1); }
  void wake() { EXPECT_EQ(c.receive(), 1); }
};
struct one_timed_sender {
  weft::channel<int> c;
  void wait() {
    int value = 1;
    while (!c.send_for(value, 50us)) {
    }
  }
  void wake() { EXPECT_EQ(c.receive(), 1); }
};
struct one_full_buffer {
  one_full_buffer() { c.send(1); }
  weft::channel<int> c{1};
  void wait() { c.send(2); }
  void wake() { EXPECT_EQ(c.receive(), 1); }
};
struct one_closed_channel {
  weft::channel<int> c;
  void wait() { EXPECT_EQ(c.receive(), std::nullopt); }
  void wake() { c.close(); }
};
// The channel of the case that was done may go at once: here even before select has returned, by the sender's hand.
struct one_select {
  std::unique_ptr<weft::channel<int>> c = std::make_unique<weft::channel<int>>();
  weft::channel<int> other;
  std::atomic<bool> gone{false};
  void wait() {
    const auto take = [](std::optional<int> v) { EXPECT_EQ(v, 1); };
    weft::select(weft::on_receive(other, take), weft::on_receive(*c, take),
                 weft::on_send(*c, 2, [] { ADD_FAILURE(); }));
    while (!gone) yield();
  }
  void wake() {
    c->send(1);
    c.reset();
    gone = true;
  }
};

// The same the other way round.
struct one_sending_select {
  std::unique_ptr<weft::channel<int>> c = std::make_unique<weft::channel<int>>();
  weft::channel<int> other;
  std::atomic<bool> gone{false};
  void wait() {
    const auto unwanted = [](std::optional<int>) { ADD_FAILURE(); };
    weft::select(weft::on_receive(other, unwanted), weft::on_send(*c, 1, [] {}), weft::on_receive(*c, unwanted));
    while (!gone) yield();
  }
  void wake() {
    EXPECT_EQ(c->receive(), 1);
    c.reset();
    gone = true;
  }
};

template <class Primitive>
class Lifetime : public ::testing::Test {
 protected:
  void waiter() {
    for (std::size_t i = 0; i < rounds_; ++i) {
      if (i % 2 == 0) {
        wait_on_stack();
        stain_stack();
      } else {
        wait_on_heap();
      }
    }
  }
  void waker() {
    for (std::size_t i = 0; i < rounds_; ++i) {
      Primitive* p = nullptr;
      while ((p = slot_.exchange(nullptr)) == nullptr) yield();
      p->wake();
    }
  }

 private:
  [[gnu::noinline]] void wait_on_stack() {
    Primitive p;
    slot_ = &p;
    p.wait();
  }
  // Freed memory is what the sanitizers watch closest.
  void wait_on_heap() {
    const auto p = std::make_unique<Primitive>();
    slot_ = p.get();
    p->wait();
  }
  [[gnu::noinline]] void stain_stack() {
    std::array<std::byte, 4 * sizeof(Primitive)> stain;
    stain.fill(std::byte{0x5a});
    asm volatile("" : : "r"(stain.data()) : "memory");
    yield();
    asm volatile("" : : "r"(stain.data()) : "memory");
    for (const std::byte b : stain) ASSERT_EQ(b, std::byte{0x5a});
  }
  // Sanitizers see what the rest only may; so they get more than their tenth.
  const std::size_t rounds_ = stress_count(instrumented ? 5000 : 1500);
  std::atomic<Primitive*> slot_{nullptr};
};

using primitives =
    testing::Types<one_event, one_timed_event, one_wait_group, one_mutex, one_held_mutex, one_condition,
                   one_condition_for_all, one_promise, one_polled_promise, one_task, one_stop_callback,
                   one_stopped_condition, one_semaphore, one_timed_semaphore, one_latch, one_barrier,
                   one_latch_for_both, one_flag, one_any_condition, one_rendezvous, one_buffered_value, one_sender,
                   one_full_buffer, one_closed_channel, one_select, one_held_timed_mutex, one_held_recursive_mutex,
                   one_written_lock, one_read_then_written_lock, one_written_then_read_lock, one_latch_waited_for,
                   one_timed_latch, one_timed_wait_group, one_barrier_with_token, one_timed_barrier,
                   one_timed_any_condition, one_async, one_timed_sender, one_sending_select>;
TYPED_TEST_SUITE(Lifetime, primitives);

TYPED_TEST(Lifetime, BetweenFibersOfOneRuntime) {
  with_real_workers([&](weft::runtime& rt) {
    auto a = rt.spawn([&] { this->waiter(); });
    auto b = rt.spawn(weft::fiber_options{.name = "waker", .spread = true}, [&] { this->waker(); });
    a.join();
    b.join();
  });
}

TYPED_TEST(Lifetime, BetweenFibersOfTwoRuntimes) {
  weft::runtime one({.workers = 1});
  weft::runtime two({.workers = 1});
  auto a = one.spawn([&] { this->waiter(); });
  auto b = two.spawn([&] { this->waker(); });
  a.join();
  b.join();
}

TYPED_TEST(Lifetime, OfAFiberThatAThreadWakes) {
  weft::runtime one({.workers = 1});
  std::thread t([&] { this->waker(); });
  one.run([&] { this->waiter(); });
  t.join();
}

TYPED_TEST(Lifetime, OfAThreadThatAFiberWakes) {
  weft::runtime one({.workers = 1});
  std::thread t([&] { this->waiter(); });
  one.run([&] { this->waker(); });
  t.join();
}

}  // namespace
