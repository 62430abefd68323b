// The ring of a worker: handing requests over, collecting their ends, waking.
#include "io/uring_backend.hpp"

#include <poll.h>  // POLLIN

#include <cerrno>   // error numbers
#include <cstddef>  // ptrdiff_t
#include <new>      // nothrow
#include <utility>  // exchange

#include <weft/base/cpu.hpp>  // prefetch_line

#include "base/check.hpp"
#include "base/kept_signals.hpp"
#include "io/os.hpp"
#include "io/sanitizer_order.hpp"
#include "sched/poller.hpp"  // why_no_uring

namespace weft::inline v0::detail {
namespace {

// What an entry's 64 bits say at its end: a request's address, or one of these, which are none.
constexpr std::uint64_t wake_tag = 1;
constexpr std::uint64_t cancel_tag = 2;

constexpr std::int64_t ns_per_s = 1'000'000'000;

// How many ends before its own a fiber's frames are asked for, and how much of its stack around the request: of hundreds
// of connections each line would be a miss, one after the other. Picked by bench/echo with 1000 connections.
constexpr unsigned frames_ahead = 4;
constexpr std::ptrdiff_t frames_below = 2 * WEFT_CACHE_LINE;
constexpr std::ptrdiff_t frames_above = 8 * WEFT_CACHE_LINE;

void prefetch_frames(std::uint64_t request) noexcept {
  if (request <= cancel_tag) {
    return;
  }
  const auto* const at = reinterpret_cast<const char*>(request);
  for (std::ptrdiff_t line = -frames_below; line < frames_above; line += WEFT_CACHE_LINE) {
    prefetch_line(at + line);
  }
}

bool passes(int error) noexcept {  // what the next poll() will not meet again
  return error == EINTR || error == ETIME || error == EAGAIN || error == EBUSY;
}

}  // namespace

uring_backend::uring_backend(const io_uring& made, int wake_fd) noexcept
    : poll_backend(static_cast<ring&>(*this)), ring_(made), wake_fd_(wake_fd) {}

uring_backend::~uring_backend() { io_uring_queue_exit(&ring_); }

// Fibers that wait in the ring wait on its thread, which ends after them.
void uring_backend::retire() noexcept {
  WEFT_CHECK(in_ring_ == 0, "a worker ends with %u requests in its ring", in_ring_);
}

bool uring_backend::has(ring_call call) const noexcept { return uring_has(call); }

// Room for one entry: when there is none the queued ones are handed over. Whoever has it must fill it.
io_uring_sqe* uring_backend::next_entry(int& error) noexcept {
  // Its entries are memory that is shared with the parent.
  WEFT_CHECK(made_after_forks_ == forks_passed(), "an operation with a ring in a process that fork has made");
  const os::fault planned = os::planned_fault(os::call::uring_entry, ring_.ring_fd);
  if (planned.error != 0) [[unlikely]] {
    error = planned.error;
    return nullptr;
  }
  io_uring_sqe* entry = io_uring_get_sqe(&ring_);
  for (int tries = 0; entry == nullptr && tries < 2; ++tries) {
    enter(0);
    collect();  // the kernel takes nothing while too many ends wait
    entry = io_uring_get_sqe(&ring_);
  }
  error = entry == nullptr ? ENOBUFS : 0;
  return entry;
}

int uring_backend::begin(ring_request& request) noexcept {
  int error = 0;
  io_uring_sqe* const entry = next_entry(error);
  if (entry == nullptr) {
    return error;
  }
  fill_entry(*entry, request.entry);
  io_uring_sqe_set_data(entry, &request);
  ++in_ring_;
  return 0;
}

int uring_backend::cancel(ring_request& request) noexcept {
  int error = 0;
  io_uring_sqe* const entry = next_entry(error);
  if (entry == nullptr) {
    return error;
  }
  if (request.ended) {  // next_entry() has collected
    io_uring_prep_nop(entry);
  } else {
    io_uring_prep_cancel(entry, &request, 0);
  }
  io_uring_sqe_set_data64(entry, cancel_tag);
  return 0;
}

// One request sees all writes to the eventfd, each as an event of its own, so its counter need not be read.
void uring_backend::watch_wake_fd() noexcept {
  int error = 0;
  io_uring_sqe* const entry = next_entry(error);
  if (entry == nullptr) {
    return;  // the next poll() tries again
  }
  if (multishot_) {
    io_uring_prep_poll_multishot(entry, wake_fd_, POLLIN);
  } else {
    io_uring_prep_poll_add(entry, wake_fd_, POLLIN);
  }
  io_uring_sqe_set_data64(entry, wake_tag);
  watched_ = true;
}

// The request has ended when the kernel could not tell of an event in time, and, before 5.13, after each event. Then the
// descriptor is read before it is watched again, or it would be found ready for ever.
void uring_backend::on_wake(const io_uring_cqe& told) noexcept {
  woken_ = true;
  if ((told.flags & IORING_CQE_F_MORE) != 0) {
    return;
  }
  watched_ = false;
  multishot_ = multishot_ && told.res != -EINVAL;
  os::drain_eventfd(wake_fd_);
}

// Hands over what is queued and, in the same call, waits for an end.
void uring_backend::enter(std::int64_t timeout_ns) noexcept {
  timeout_ns = direct_wait_ns(timeout_ns);
  const unsigned told = IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW;
  // The kernel's word; it is read again next time.
  const bool behind = (IO_URING_READ_ONCE(*ring_.sq.kflags) & told) != 0;
  if (io_uring_cq_ready(&ring_) != 0) {
    timeout_ns = 0;
  }
  if (timeout_ns == 0 && !behind && io_uring_sq_ready(&ring_) == 0) {
    return;
  }
  if (const os::fault planned = os::planned_fault(os::call::uring_enter, ring_.ring_fd); planned.error != 0)
      [[unlikely]] {
    WEFT_CHECK(passes(planned.error), "io_uring_enter failed: errno %d", planned.error);
    return;
  }
  int done = 0;
  if (timeout_ns == 0) {
    done = io_uring_submit_and_get_events(&ring_);
  } else if (timeout_ns < 0) {
    done = io_uring_submit_and_wait(&ring_, 1);
  } else {
    __kernel_timespec limit{.tv_sec = timeout_ns / ns_per_s, .tv_nsec = timeout_ns % ns_per_s};
    io_uring_cqe* first = nullptr;
    done = io_uring_submit_and_wait_timeout(&ring_, &first, 1, &limit, nullptr);
  }
  call_kept_handlers();
  WEFT_CHECK(done >= 0 || passes(-done), "io_uring_enter failed: errno %d", -done);
}

void uring_backend::collect() noexcept {
  unsigned head = 0;
  unsigned seen = 0;
  const io_uring_cqe* told = nullptr;
  sanitizer_observe_io();
  const unsigned ready = io_uring_cq_ready(&ring_);
  io_uring_for_each_cqe(&ring_, head, told) {
    ++seen;
    if (seen + frames_ahead <= ready) {
      prefetch_frames(ring_.cq.cqes[(head + frames_ahead) & *ring_.cq.kring_mask].user_data);
    }
    const std::uint64_t of = told->user_data;
    if (of == wake_tag) {
      on_wake(*told);
    } else if (of != cancel_tag) {
      --in_ring_;
      static_cast<ring_request*>(io_uring_cqe_get_data(told))->end(told->res);
    }
  }
  io_uring_cq_advance(&ring_, seen);
}

bool uring_backend::poll(std::int64_t timeout_ns) noexcept {
  if (!watched_) {
    watch_wake_fd();
  }
  // Not to sleep: who could not be woken, or was and has not been told, so that no further wake() is written.
  enter(watched_ && !woken_ ? timeout_ns : 0);
  collect();
  return std::exchange(woken_, false);
}

std::unique_ptr<poll_backend> make_uring_backend(int wake_fd, int& error) noexcept {
  error = why_no_uring();
  if (error == 0 && !uring_has(ring_call::poll)) {
    error = ENOSYS;  // all else can be done without a ring, if need be
  }
  if (error != 0) {
    return nullptr;
  }
  io_uring made;
  error = open_uring(made);
  if (error != 0) {
    return nullptr;
  }
  auto* const backend = new (std::nothrow) uring_backend(made, wake_fd);
  if (backend == nullptr) {
    error = ENOMEM;
    io_uring_queue_exit(&made);
  }
  return std::unique_ptr<poll_backend>(backend);
}

}  // namespace weft::inline v0::detail
