// The pool of threads behind weft::blocking.
//
// A call is an intrusive node on its caller's stack. An idle thread waits on a condition variable of its own, and the
// thread that went idle last is handed the next call: under light work the others reach their time limit and end.
#pragma once
#include <chrono>              // milliseconds
#include <condition_variable>  // condition_variable
#include <cstdint>             // uint8_t
#include <mutex>               // mutex

#include <pthread.h>  // pthread_t

#include "sched/park.hpp"
#include <weft/io/blocking.hpp>

namespace weft::inline v0::detail {

class blocking_pool {
 public:
  static constexpr unsigned max_threads = 64;  // as many disk or name-server requests as are worth having at a time

  enum class stage : std::uint8_t { queued, running, done };
  struct job {
    blocking_call* call = nullptr;
    fiber_record* caller = nullptr;  // it waits until the call has ended, or has been taken back
    waiter* owner = nullptr;         // who is to be woken at the end; guarded by the pool's mutex, as all below
    job* next = nullptr;             // queue
    stage at = stage::queued;
  };

  // The pool of the process. Never destroyed; its idle threads are ended and joined at process exit.
  static blocking_pool& instance() noexcept;

  // \throws std::system_error when no thread exists and none can be started; `j` is not queued then.
  void submit(job& j);
  // False: a thread has taken it.
  bool take_back(job& j) noexcept;
  // Names another waiter to be woken at the end; false: it has ended.
  bool set_owner(job& j, waiter& w) noexcept;

  unsigned threads() noexcept;  // alive now
  void set_idle_limit(std::chrono::milliseconds limit) noexcept;
  void end_idle_threads() noexcept;

 private:
  static blocking_pool* make() noexcept;
  struct idle_thread {
    std::condition_variable wake;
    job* given = nullptr;
    bool dismissed = false;
    idle_thread* below = nullptr;
  };
  static void* thread_entry(void* first) noexcept;
  bool start_thread(job& first) noexcept;
  static waiter* run_job(job& j, std::unique_lock<std::mutex>& held) noexcept;
  job* take_queued() noexcept;
  job* next_job(waiter* owner, std::unique_lock<std::mutex>& held) noexcept;
  job* await_job(idle_thread& me, std::unique_lock<std::mutex>& held) noexcept;
  void leave(std::unique_lock<std::mutex>& held) noexcept;

  std::mutex mutex_;     // guards all below; held for a few instructions, never across a suspension
  job* head_ = nullptr;  // calls that wait for a thread
  job* tail_ = nullptr;
  idle_thread* idle_ = nullptr;  // top: idle since last
  unsigned threads_ = 0;
  unsigned dismissed_ = 0;  // told to end, and neither gone nor back at work
  bool ending_ = false;
  std::chrono::milliseconds idle_limit_{10'000};  // longer than the gaps of interactive work; a thread costs little
  bool has_last_ended_ = false;
  pthread_t last_ended_{};        // joined by the next thread that ends, so at most one waits to be joined
  std::condition_variable gone_;  // dismissed_ fell to zero
};

// run_blocking() of blocking.hpp for a wait with a name of its own, a literal.
void run_blocking(blocking_call& call, const char* what);

}  // namespace weft::inline v0::detail
