// The blocking pool: threads on demand, handed calls directly, gone when idle.
#include "io/blocking_pool.hpp"

#include <csignal>       // sigset_t, pthread_sigmask
#include <new>           // placement new
#include <pthread.h>     // pthread_atfork
#include <system_error>  // system_error
#include <utility>       // exchange

#include "fiber/thread_parker.hpp"  // set_blocking_caller
#include "io/os.hpp"
#include "sched/poller.hpp"
#include "sched/worker.hpp"  // current_worker

namespace weft::inline v0::detail {
namespace {

// Signals of the process are for the program's own threads; a thread inherits the mask of its creator.
class all_signals_blocked {
 public:
  all_signals_blocked() noexcept {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);  // fails only for a bad first argument
  }
  ~all_signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  all_signals_blocked(const all_signals_blocked&) = delete;
  all_signals_blocked& operator=(const all_signals_blocked&) = delete;

 private:
  sigset_t before_;
};

// Runs at exit, before the destructors of statics older than the first blocking call.
struct exit_hook {
  ~exit_hook() { blocking_pool::instance().end_idle_threads(); }
};

}  // namespace

blocking_pool& blocking_pool::instance() noexcept {
  static blocking_pool* const pool = make();
  static const exit_hook hook;
  [[maybe_unused]] static const int watching_forks = ::pthread_atfork(nullptr, nullptr, [] { make(); });
  return *pool;
}

// In a child that fork() has made, too: its threads stayed behind, and whoever held the mutex did.
blocking_pool* blocking_pool::make() noexcept {
  alignas(blocking_pool) static unsigned char storage[sizeof(blocking_pool)];
  return ::new (static_cast<void*>(storage)) blocking_pool;
}

void blocking_pool::submit(job& j) {
  const std::unique_lock<std::mutex> held(mutex_);
  if (idle_ != nullptr) {
    idle_thread& top = *idle_;
    idle_ = top.below;
    j.at = stage::running;
    top.given = &j;
    top.wake.notify_one();  // under the mutex: afterwards the thread may be gone, and its condition variable with it
    return;
  }
  if (threads_ < max_threads && start_thread(j)) {
    return;
  }
  if (threads_ == 0) {
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                            "weft::blocking: no thread can be started");
  }
  j.next = nullptr;
  (tail_ == nullptr ? head_ : tail_->next) = &j;
  tail_ = &j;
}

// \pre the mutex is held: the new thread begins by locking it.
bool blocking_pool::start_thread(job& first) noexcept {
  const all_signals_blocked quiet;
  pthread_t id{};
  if (!os::start_thread(id, &thread_entry, &first).ok()) {
    return false;
  }
  first.at = stage::running;
  ++threads_;
  return true;
}

void* blocking_pool::thread_entry(void* first) noexcept {
  blocking_pool& pool = instance();
  std::unique_lock<std::mutex> held(pool.mutex_);
  for (job* j = static_cast<job*>(first); j != nullptr;) {
    waiter* const owner = run_job(*j, held);
    j = pool.next_job(owner, held);
  }
  pool.leave(held);
  return nullptr;
}

// \return whom to tell, if anybody waits; the job may be gone once the mutex is free.
waiter* blocking_pool::run_job(job& j, std::unique_lock<std::mutex>& held) noexcept {
  held.unlock();
  set_blocking_caller(j.caller);
  j.call->run(*j.call);
  set_blocking_caller(nullptr);
  held.lock();
  j.at = stage::done;
  waiter* owner = j.owner;
  return owner != nullptr && owner->claim(wake::notified) ? owner : nullptr;
}

blocking_pool::job* blocking_pool::take_queued() noexcept {
  job* j = head_;
  if (j != nullptr) {
    head_ = j->next;
    if (head_ == nullptr) {
      tail_ = nullptr;
    }
    j->at = stage::running;
  }
  return j;
}

// Tells `owner` only when the thread can be had again: a fiber that makes one call after the other then uses one thread.
blocking_pool::job* blocking_pool::next_job(waiter* owner, std::unique_lock<std::mutex>& held) noexcept {
  job* queued = take_queued();
  idle_thread me;
  const bool idles = queued == nullptr && !ending_;
  if (idles) {
    me.below = idle_;
    idle_ = &me;
  }
  if (owner != nullptr) {
    held.unlock();
    deliver(*owner);
    held.lock();
  }
  if (idles) {
    return await_job(me, held);
  }
  return queued != nullptr ? queued : take_queued();  // one may have come meanwhile, and found this thread not idle
}

// Null: the thread is to end. The mutex is then not released before leave() has counted it out, so that no call is
// queued for it any more.
blocking_pool::job* blocking_pool::await_job(idle_thread& me, std::unique_lock<std::mutex>& held) noexcept {
  const auto until = std::chrono::steady_clock::now() + idle_limit_;
  while (me.given == nullptr && !me.dismissed) {
    if (me.wake.wait_until(held, until) == std::cv_status::timeout && me.given == nullptr && !me.dismissed) {
      idle_thread** link = &idle_;
      while (*link != &me) {
        link = &(*link)->below;
      }
      *link = me.below;
      return nullptr;
    }
  }
  if (!me.dismissed) {
    return me.given;
  }
  --dismissed_;
  gone_.notify_all();
  return take_queued();  // a call that came since the dismissal had no other thread to go to
}

void blocking_pool::leave(std::unique_lock<std::mutex>& held) noexcept {
  --threads_;
  const bool join_previous = std::exchange(has_last_ended_, true);
  const pthread_t previous = std::exchange(last_ended_, ::pthread_self());
  held.unlock();
  if (join_previous) {
    ::pthread_join(previous, nullptr);  // cannot fail: a joinable thread, named nowhere else
  }
}

void blocking_pool::end_idle_threads() noexcept {
  std::unique_lock<std::mutex> held(mutex_);
  ending_ = true;
  for (; idle_ != nullptr; idle_ = idle_->below) {
    idle_->dismissed = true;
    ++dismissed_;
    idle_->wake.notify_one();
  }
  while (dismissed_ != 0) {
    gone_.wait(held);
  }
  ending_ = false;
  const bool join_last = std::exchange(has_last_ended_, false);
  const pthread_t last = last_ended_;
  held.unlock();
  if (join_last) {
    ::pthread_join(last, nullptr);  // which has joined the one before it, and so on
  }
}

unsigned blocking_pool::threads() noexcept {
  const std::unique_lock<std::mutex> held(mutex_);
  return threads_;
}

void blocking_pool::set_idle_limit(std::chrono::milliseconds limit) noexcept {
  const std::unique_lock<std::mutex> held(mutex_);
  idle_limit_ = limit;
}

bool blocking_pool::take_back(job& j) noexcept {
  const std::unique_lock<std::mutex> held(mutex_);
  if (j.at != stage::queued) {
    return false;
  }
  job* before = nullptr;
  for (job* at = head_; at != nullptr; before = at, at = at->next) {
    if (at == &j) {
      (before == nullptr ? head_ : before->next) = j.next;
      if (tail_ == &j) {
        tail_ = before;
      }
      break;
    }
  }
  return true;
}

bool blocking_pool::set_owner(job& j, waiter& w) noexcept {
  const std::unique_lock<std::mutex> held(mutex_);
  j.owner = j.at == stage::done ? nullptr : &w;
  return j.owner != nullptr;
}

void run_blocking(blocking_call& call) { run_blocking(call, "blocking call"); }

void run_blocking(blocking_call& call, const char* what) {
  if (!on_worker()) {
    call.run(call);
    return;
  }
  blocking_pool& pool = blocking_pool::instance();
  waiter first{point::yes, what};
  blocking_pool::job j{.call = &call, .caller = current_worker()->current, .owner = &first};
  try {
    pool.submit(j);
  } catch (...) {
    first.abandon();
    throw;
  }
  const wake why = first.park(no_deadline, what);
  if (why == wake::notified) {
    return;
  }
  if (pool.take_back(j)) {
    throw_cancelled(what);  // it has not started and never will
  }
  // It runs: nothing but its end may let this frame go. The stop stays pending.
  waiter again{point::no, what};
  if (pool.set_owner(j, again)) {
    again.park(no_deadline, "blocking call (stop pending)");
  } else {
    again.abandon();
  }
}

}  // namespace weft::inline v0::detail
