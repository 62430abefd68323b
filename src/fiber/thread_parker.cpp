// Pool of thread parkers, and what else belongs to a plain thread.
#include "fiber/thread_parker.hpp"

#include <mutex>    // lock_guard
#include <new>      // bad_alloc
#include <utility>  // exchange

#include "base/futex.hpp"
#include <weft/base/spin_lock.hpp>

namespace weft::inline v0::detail {
namespace {

struct parker_pool {
  spin_lock lock;
  thread_parker* free = nullptr;
};
parker_pool& pool() noexcept {
  static auto* const instance = new parker_pool;  // never destroyed: threads may end after static destructors
  return *instance;
}

thread_local thread_parker* parker_of_thread =
    nullptr;  // plain threads only, as below; usable to the thread's very end

// Gives the parker back when the thread ends. Destructors that wait later still, of other thread-local or static objects,
// get another one, which is never given back.
struct lease {
  bool taken = false;
  ~lease() {
    if (!taken) return;
    thread_parker* const mine = std::exchange(parker_of_thread, nullptr);
    const std::lock_guard guard(pool().lock);
    mine->next = pool().free;
    pool().free = mine;
  }
};

thread_local fiber_record* caller_of_call = nullptr;  // plain threads only: no switch happens between look and use

thread_parker* take() {
  {
    const std::lock_guard guard(pool().lock);
    if (thread_parker* p = pool().free; p != nullptr) {
      pool().free = p->next;
      return p;
    }
  }
  auto* p = new thread_parker;
  p->park.word.store(parker::thread, memory_order_relaxed);  // relaxed: not shared yet
  return p;
}

}  // namespace

thread_parker& this_thread_parker() {
  if (parker_of_thread != nullptr) return *parker_of_thread;
  thread_local lease mine;  // plain threads only: no fiber switch can happen while the address is in use
  parker_of_thread = take();
  mine.taken = true;
  return *parker_of_thread;
}

fiber_record* blocking_caller() noexcept { return caller_of_call; }
void set_blocking_caller(fiber_record* r) noexcept { caller_of_call = r; }

void deliver_to_thread(thread_parker& p) noexcept {
  p.delivered.store(1, memory_order_release);  // pairs with the load in sleep_until_delivered()
  futex_wake(&p.delivered, 1);
}

bool sleep_until_delivered(thread_parker& p, std::chrono::steady_clock::time_point deadline) noexcept {
  while (p.delivered.load(memory_order_acquire) == 0) {  // pairs with deliver_to_thread()
    if (!futex_wait(&p.delivered, 0, deadline)) {
      return p.delivered.load(memory_order_acquire) != 0;  // pairs with deliver_to_thread()
    }
  }
  return true;
}

}  // namespace weft::inline v0::detail
