// One io_uring per worker: requests are queued by fibers, handed over and collected by the worker between them, in one
// system call. Nobody else may touch it: the ring is set up for its maker's thread alone.
#pragma once
#include <liburing.h>  // io_uring

#include "base/forks.hpp"
#include "io/poll_backend.hpp"
#include "io/ring.hpp"

namespace weft::inline v0::detail {

class uring_backend final : public poll_backend, public ring {
 public:
  // \param made  set up by open_uring(); owned from here on
  uring_backend(const io_uring& made, int wake_fd) noexcept;
  ~uring_backend() override;

  bool poll(std::int64_t timeout_ns) noexcept override;
  bool has_descriptors() const noexcept override { return in_ring_ != 0; }
  void retire() noexcept override;

  bool has(ring_call call) const noexcept override;
  int begin(ring_request& request) noexcept override;
  int cancel(ring_request& request) noexcept override;

 private:
  io_uring_sqe* next_entry(int& error) noexcept;
  void enter(std::int64_t timeout_ns) noexcept;
  void collect() noexcept;
  void watch_wake_fd() noexcept;
  void on_wake(const io_uring_cqe& told) noexcept;

  io_uring ring_;
  const int wake_fd_;
  unsigned in_ring_ = 0;  // requests begun and not ended
  const unsigned made_after_forks_ = forks_passed();
  bool watched_ = false;   // the wake descriptor is
  bool multishot_ = true;  // by one request for many events; false: the kernel does not know how
  bool woken_ = false;     // to be told by the next poll()
};

// A ring set up in the best way that this kernel knows. 0 or an errno.
int open_uring(io_uring& made) noexcept;

// Whether the kernel performs `call`; asked once. What may be pretended to be absent: os::call::uring_probe.
bool uring_has(ring_call call) noexcept;

// Writes the request into the kernel's form.
void fill_entry(io_uring_sqe& entry, const ring_entry& from) noexcept;

}  // namespace weft::inline v0::detail
