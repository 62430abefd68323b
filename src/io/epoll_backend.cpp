// The epoll backend: one system call per round, events handed to descriptor slots.
#include "io/epoll_backend.hpp"

#include <cerrno>  // EINTR, ENOMEM
#include <new>     // nothrow

#include "base/check.hpp"
#include "io/descriptor_slot.hpp"
#include "sched/worker.hpp"  // current_worker

namespace weft::inline v0::detail {
namespace {

// Every edge a descriptor can have. EPOLLPRI is there because urgent data ends a read early, which must not be taken
// for "nothing left" (see descriptor_operation::finish_read).
constexpr std::uint32_t all_edges = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;

// No slot has it: slot indices stay below the table's size.
constexpr std::uint64_t wake_tag = ~std::uint64_t{0};

}  // namespace

epoll_set* epoll_set::make(int& error) noexcept {
  const os::result made = os::epoll_create();
  if (!made.ok()) {
    error = made.error;
    return nullptr;
  }
  auto* set = new (std::nothrow) epoll_set(made.fd());
  if (set == nullptr) {
    os::close(made.fd());
    error = ENOMEM;
  }
  return set;
}

epoll_set::~epoll_set() { os::close(fd_); }

int epoll_set::add(int fd, std::uint32_t index, std::uint32_t generation) noexcept {
  WEFT_CHECK(made_after_forks_ == forks_passed(), "a wait for a descriptor in a process that fork has made");
  return os::epoll_add(fd_, fd, all_edges, std::uint64_t{generation} << 32 | index).error;
}

void epoll_set::remove(int fd) noexcept {
  if (made_after_forks_ != forks_passed()) return;  // the number is a copy, the set is not: the parent's waits go on
  // ENOENT, EBADF: the number was closed behind our back, and the registration went with it.
  const int error = os::epoll_delete(fd_, fd).error;
  WEFT_CHECK(error == 0 || error == ENOENT || error == EBADF, "epoll: cannot remove descriptor %d: errno %d", fd,
             error);
}

void epoll_set::ref() noexcept {
  refs_.fetch_add(1, memory_order_relaxed);  // relaxed: the caller holds a reference, nothing is published
}

void epoll_set::unref() noexcept {
  // acq_rel pairs with the other unref()s: all use of the set happens before its end.
  if (refs_.fetch_sub(1, memory_order_acq_rel) == 1) {
    delete this;
  }
}

bool epoll_set::has_descriptors() const noexcept {
  // relaxed: the owner asks, and registrations that matter to it were made by its own fibers.
  return refs_.load(memory_order_relaxed) > 1;
}

epoll_backend::~epoll_backend() {
  retire();
  set()->unref();
}

void epoll_backend::retire() noexcept {
  if (set()->has_descriptors()) {
    detach_all_from(*set());
  }
}

bool epoll_backend::poll(std::int64_t timeout_ns) noexcept {
  const os::result got = os::epoll_wait(set()->fd(), events_.data(), events_per_poll, timeout_ns);
  if (!got.ok()) {
    WEFT_CHECK(got.error == EINTR, "epoll_wait failed: errno %d", got.error);
    return false;
  }
  worker* const here = current_worker();
  bool woken = false;
  for (std::size_t i = 0; i < got.count(); ++i) {
    const epoll_event& event = events_[i];
    if (event.data.u64 == wake_tag) {
      woken = true;  // the eventfd is edge-triggered: every write is an edge, so its counter is never read
    } else {
      on_descriptor_event(static_cast<std::uint32_t>(event.data.u64), static_cast<std::uint32_t>(event.data.u64 >> 32),
                          event.events, here);
    }
  }
  return woken;
}

std::unique_ptr<poll_backend> make_epoll_backend(int wake_fd, int& error) noexcept {
  epoll_set* const set = epoll_set::make(error);
  if (set == nullptr) {
    return nullptr;
  }
  error = os::epoll_add(set->fd(), wake_fd, EPOLLIN | EPOLLET, wake_tag).error;
  auto* const made = error == 0 ? new (std::nothrow) epoll_backend(*set) : nullptr;
  if (made == nullptr) {
    error = error == 0 ? ENOMEM : error;
    set->unref();
  }
  return std::unique_ptr<poll_backend>(made);
}

}  // namespace weft::inline v0::detail
