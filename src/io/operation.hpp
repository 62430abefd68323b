// Operations on a descriptor. A read or write in progress on a descriptor: "try the system call first; at EAGAIN wait for an edge; try again".
#pragma once
#include <cerrno>        // EAGAIN, EINTR, ETIMEDOUT
#include <concepts>      // convertible_to, same_as
#include <cstddef>       // size_t
#include <cstdint>       // fixed-width integers
#include <system_error>  // error_code

#include "io/descriptor_slot.hpp"
#include "io/os.hpp"
#include "io/ring.hpp"
#include "io/worker_poller.hpp"
#include "sched/hot_path.hpp"  // check_stop_inline, spend_budget_inline, worker

namespace weft::inline v0::detail {

// Until when an operation may wait, computed from a length of time only if it has to wait: most never do.
class time_limit {
 public:
  static constexpr std::int64_t unlimited = INT64_MAX;
  explicit time_limit(std::int64_t timeout_ns) noexcept : timeout_ns_(timeout_ns) {}
  explicit time_limit(time_point deadline) noexcept : timeout_ns_(unlimited), deadline_(deadline), known_(true) {}
  time_point deadline() noexcept;

 private:
  std::int64_t timeout_ns_;
  time_point deadline_ = no_deadline;
  bool known_ = false;
};

// What a system call is given for a deadline: -1 for none, 0 for a past one, else nanoseconds from now.
std::int64_t timeout_until(time_point deadline) noexcept;

// A user of a descriptor's slot: while it lives the number stays open.
class descriptor_operation {
 public:
  // Enters; error() says bad_file_descriptor (closed) or device_or_resource_busy (another fiber or thread is inside).
  descriptor_operation(descriptor_handle handle, direction d) noexcept
      : descriptor_operation(handle, d, current_worker()) {}
  // `here` is the calling worker, null on a plain thread. A fiber stays on its worker, so that it is asked for once.
  descriptor_operation(descriptor_handle handle, direction d, worker* here) noexcept;
  ~descriptor_operation();
  descriptor_operation(const descriptor_operation&) = delete;
  descriptor_operation& operator=(const descriptor_operation&) = delete;

  worker* here() const noexcept { return here_; }
  int error() const noexcept { return error_; }
  int fd() const noexcept { return fd_; }
  bool waited() const noexcept { return waited_; }

  // True when the call is worth making; else wait() first.
  bool may_try() const noexcept { return has_token_; }
  // The call said EAGAIN.
  void exhausted() noexcept { has_token_ = false; }
  // A stream read got less than it asked for: nothing is left until the next edge, unless the peer has hung up.
  void finish_short_read() noexcept { short_read_ = true; }

  // Parks (a plain thread blocks) until an edge. 0, ETIMEDOUT, ECANCELED (closed meanwhile), or why the descriptor
  // cannot be waited for. After ETIMEDOUT the call is worth one more try: the edge may be in the poller already.
  // A cancellation point. \throws weft::cancelled
  int wait(time_limit& limit, const char* what);

  // Parks until `until`, for what no event tells. 0; or ECANCELED: closed meanwhile. A cancellation point. \pre on_worker()
  int pause(time_point until, const char* what);

  // Has the ring make the call while the fiber parks. What the call said; ETIMEDOUT and ECANCELED as of wait(); EAGAIN:
  // it was not made, or had nothing to do. \throws weft::cancelled
  os::result perform(ring& on, ring_entry entry, time_limit& limit, const char* what);

 private:
  enum class woken_by : bool { edge, ring };
  // Links w among the descriptor's waiters: 0; or ECANCELED: it was closed; EAGAIN: there is a token, ours now; ENOENT: no
  // edge would come for one who waits for it, because the descriptor is in no set.
  int link(waiter& w, woken_by who) noexcept;
  void unlink(waiter& w, woken_by who) noexcept;
  int register_with_poller() noexcept;
  int finish_registration(epoll_set& set, int error) noexcept;
  int wait_in_fiber(time_point deadline, const char* what);
  int wait_on_thread(time_point deadline) noexcept;

  void leave_shared(bool gives_back) noexcept;

  descriptor_slot* slot_ = nullptr;
  worker* here_;
  int fd_ = -1;
  int error_ = 0;
  direction direction_;
  bool has_token_ = false;
  bool short_read_ = false;
  bool waited_ = false;
};

// A call that a ring can make, too.
template <class Call>
concept performed_call = requires(const Call& call) {
  { Call::in_ring } -> std::convertible_to<ring_call>;
  { call.entry(0) } -> std::same_as<ring_entry>;
};

// A wait, or the whole call by a ring where there is one. EAGAIN: try again.
template <class Call>
os::result wait_or_perform(descriptor_operation& op, time_limit& limit, const char* what, const Call& call,
                           bool& ask_ring) {
  if constexpr (performed_call<Call>) {
    if (ring* const on = ask_ring ? ring_of(op.here(), Call::in_ring) : nullptr) {
      const os::result r = op.perform(*on, call.entry(op.fd()), limit, what);
      ask_ring = r.error != EAGAIN;  // a ring that has nothing to tell is not asked for ever
      return r.error == EINTR ? os::result{-1, EAGAIN} : r;
    }
  }
  const int error = op.wait(limit, what);
  return {-1, error == 0 ? EAGAIN : error};
}

// The loop around one non-blocking call: call(fd) -> os::result. EAGAIN waits, EINTR tries again.
// \return the first other result; {-1, ETIMEDOUT}, {-1, ECANCELED}, {-1, EBADF}, {-1, EBUSY} by the rules above.
template <class Call>
os::result run_operation(descriptor_operation& op, time_limit& limit, const char* what, const Call& call) {
  if (op.error() != 0) {
    return {-1, op.error()};
  }
  for (bool last = false, ask_ring = true;;) {
    if (op.may_try() || last) {
      const os::result r = call(op.fd());
      if (r.error == EINTR) {
        continue;
      }
      if (r.error != EAGAIN) {
        return r;
      }
      op.exhausted();
      if (last) {
        return {-1, ETIMEDOUT};
      }
    }
    const os::result r = wait_or_perform(op, limit, what, call, ask_ring);
    last = r.error == ETIMEDOUT;
    if (!last && r.error != EAGAIN) {
      return r;
    }
  }
}

// How a read result shorter than asked for is to be taken.
enum class short_read : bool {
  says_nothing,  // accept, datagrams, Unix sockets: there may be more
  means_empty,   // TCP: the next byte will come with an edge, so the next read waits without trying first
};

// One whole operation: a cancellation point always (a loop over sockets that are always ready can be stopped), a
// suspension when nothing is ready or, without waiting, when the fiber's budget is spent.
template <class Call>
os::result run_io(descriptor_handle handle, direction d, time_limit& limit, const char* what, std::size_t asked,
                  short_read rule, const Call& call) {
  worker* const here = current_worker();
  check_stop_inline(here);
  bool waited = false;
  os::result r;
  {
    descriptor_operation op(handle, d, here);
    r = run_operation(op, limit, what, call);
    if (rule == short_read::means_empty && r.value > 0 && r.count() < asked) {
      op.finish_short_read();
    }
    waited = op.waited();
  }
  if (!waited && r.ok()) {
    chaos_yield();
    spend_budget_inline(here);
  }
  return r;
}

// Keeps the number open for a call that never waits (options, names, shutdown). fd() is -1 when it is closed.
class descriptor_hold {
 public:
  explicit descriptor_hold(descriptor_handle handle) noexcept;
  ~descriptor_hold();
  descriptor_hold(const descriptor_hold&) = delete;
  descriptor_hold& operator=(const descriptor_hold&) = delete;
  int fd() const noexcept { return fd_; }

 private:
  descriptor_slot* slot_ = nullptr;
  int fd_ = -1;
};

[[gnu::always_inline]] inline descriptor_operation::descriptor_operation(descriptor_handle handle, direction d,
                                                                         worker* here) noexcept
    : here_(here), direction_(d) {
  if (handle.slot == nullptr) [[unlikely]] {
    error_ = EBADF;
    return;
  }
  descriptor_slot& slot = *handle.slot;
  slot.lock.lock();
  if (slot.generation != handle.generation || slot.closing) [[unlikely]] {
    error_ = EBADF;
  } else if (slot.busy_in(d) && !slot.shares(d)) [[unlikely]] {
    error_ = EBUSY;
  } else {
    slot.busy_in(d) = true;
    ++slot.users;
    // Who sends a datagram tries in any case: that another is just sending one says nothing about the room for it.
    has_token_ = slot.ready_in(d) || (d == direction::write && slot.shares(d));
    slot.ready_in(d) = false;
    fd_ = slot.fd;
    slot_ = &slot;
  }
  slot.lock.unlock();
}

// Where only one may be inside nobody else waits, and the token needs no look at the queue.
[[gnu::always_inline]] inline descriptor_operation::~descriptor_operation() {
  if (slot_ == nullptr) [[unlikely]] {
    return;
  }
  descriptor_slot& slot = *slot_;
  slot.lock.lock();
  const bool gives_back = has_token_ && (!short_read_ || slot.hung_up);
  if (slot.closing || slot.shares(direction_)) [[unlikely]] {
    leave_shared(gives_back);
    return;
  }
  slot.busy_in(direction_) = false;
  if (gives_back) {
    slot.ready_in(direction_) = true;
  }
  --slot.users;
  slot.lock.unlock();
}

}  // namespace weft::inline v0::detail
