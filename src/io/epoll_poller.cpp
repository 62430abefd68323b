// The epoll poller: one system call per round, events handed to descriptor slots.
#include "io/epoll_poller.hpp"

#include <cerrno>        // EINTR
#include <memory>        // make_unique
#include <new>           // nothrow, bad_alloc
#include <system_error>  // system_error

#include "base/check.hpp"
#include "io/descriptor_slot.hpp"

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
  return os::epoll_add(fd_, fd, all_edges, std::uint64_t{generation} << 32 | index).error;
}

void epoll_set::remove(int fd) noexcept {
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

epoll_poller::epoll_poller() {
  int error = 0;
  set_ = epoll_set::make(error);
  if (set_ == nullptr) {
    throw std::system_error(error, std::system_category(), "weft: epoll_create1");
  }
  const os::result made = os::make_eventfd();
  const os::result added = made.ok() ? os::epoll_add(set_->fd(), made.fd(), EPOLLIN | EPOLLET, wake_tag) : made;
  if (!added.ok()) {
    if (made.ok()) {
      os::close(made.fd());
    }
    set_->unref();
    throw std::system_error(added.error, std::system_category(), "weft: eventfd of a poller");
  }
  wake_fd_ = made.fd();
}

epoll_poller::~epoll_poller() {
  retire();
  set_->unref();
  os::close(wake_fd_);
}

void epoll_poller::retire() noexcept {
  if (set_->has_descriptors()) {
    detach_all_from(*set_);
  }
}

void epoll_poller::poll(std::int64_t timeout_ns) noexcept {
  const os::result got = os::epoll_wait(set_->fd(), events_.data(), events_per_poll, timeout_ns);
  if (!got.ok()) {
    WEFT_CHECK(got.error == EINTR, "epoll_wait failed: errno %d", got.error);
    return;
  }
  for (std::size_t i = 0; i < got.count(); ++i) {
    const epoll_event& event = events_[i];
    if (event.data.u64 == wake_tag) {
      // The eventfd is edge-triggered: every write is an edge, so its counter is never read.
      // acq_rel pairs with wake(): what its caller published before is seen by the scheduler after poll().
      wake_pending_.exchange(false, memory_order_acq_rel);
    } else {
      on_descriptor_event(static_cast<std::uint32_t>(event.data.u64), static_cast<std::uint32_t>(event.data.u64 >> 32),
                          event.events);
    }
  }
}

void epoll_poller::wake() noexcept {
  if (!wake_pending_.exchange(true, memory_order_acq_rel)) {  // pairs with the exchange in poll()
    const os::result r = os::signal_eventfd(wake_fd_);
    // EAGAIN: the counter is at its limit, which took 2^64 wake-ups.
    WEFT_CHECK(r.ok() || r.error == EINTR, "a poller cannot be woken: errno %d", r.error);
  }
}

epoll_set* acquire_current_set(int& error) noexcept {
  try {
    if (current_poller() == nullptr) {
      install_poller(std::make_unique<epoll_poller>());
    }
  } catch (const std::system_error& failure) {
    error = failure.code().value();
    return nullptr;
  } catch (const std::bad_alloc&) {
    error = ENOMEM;
    return nullptr;
  }
  auto* mine = dynamic_cast<epoll_poller*>(current_poller());
  if (mine == nullptr) {
    error = EOPNOTSUPP;  // a poller of another kind serves this worker and does not take descriptors
    return nullptr;
  }
  mine->set().ref();
  return &mine->set();
}

}  // namespace weft::inline v0::detail
