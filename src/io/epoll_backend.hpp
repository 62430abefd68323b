// The epoll backend of a worker's poller, and the epoll set behind it.
//
// A descriptor is registered once, edge-triggered for everything, with the set of the fiber that first had to wait for
// it, whichever worker waits later. The set is counted: a close() on another thread may still be removing a descriptor
// while the poller's runtime ends. Pollers are kept with their workers' blocks, which outlive runtimes; the worker's
// thread retires it, and with it all registrations, when it ends.
#pragma once
#include <array>  // array

#include "base/forks.hpp"
#include "io/os.hpp"
#include "io/poll_backend.hpp"
#include <weft/base/atomic.hpp>

namespace weft::inline v0::detail {

class epoll_set {
 public:
  // Null with an errno in `error` when the kernel gives no epoll descriptor or memory is out.
  static epoll_set* make(int& error) noexcept;
  epoll_set(const epoll_set&) = delete;
  epoll_set& operator=(const epoll_set&) = delete;

  int fd() const noexcept { return fd_; }
  // 0 or an errno. Events carry {index, generation}.
  int add(int fd, std::uint32_t index, std::uint32_t generation) noexcept;
  // Nothing in a child of fork(), where it is the parent's.
  void remove(int fd) noexcept;

  void ref() noexcept;
  void unref() noexcept;
  // True while anyone but the poller holds a reference, i.e. a descriptor is registered or about to be.
  bool has_descriptors() const noexcept;

 private:
  explicit epoll_set(int fd) noexcept : fd_(fd) {}
  ~epoll_set();
  const int fd_;
  const unsigned made_after_forks_ = forks_passed();
  atomic<std::uint32_t> refs_{1};
};

class epoll_backend final : public poll_backend {
 public:
  explicit epoll_backend(epoll_set& owned) noexcept : poll_backend(owned) {}
  ~epoll_backend() override;

  bool poll(std::int64_t timeout_ns) noexcept override;
  bool has_descriptors() const noexcept override { return set()->has_descriptors(); }
  // Unregisters all descriptors; their waiters register anew with pollers of their own.
  void retire() noexcept override;

 private:
  static constexpr int events_per_poll = 256;  // 3 KiB; one system call serves a busy worker's round

  std::array<epoll_event, events_per_poll> events_{};
};

}  // namespace weft::inline v0::detail
