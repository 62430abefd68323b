// Waking, and the choice of the backend.
#include "io/worker_poller.hpp"

#include <cerrno>        // EINTR, ENOMEM
#include <memory>        // make_unique
#include <new>           // bad_alloc
#include <system_error>  // system_error

#include "base/check.hpp"
#include "base/debug_log.hpp"
#include "io/os.hpp"

namespace weft::inline v0::detail {
namespace {

atomic<bool> told_of_fallback{false};

void tell_of_fallback(int error) noexcept {
  if (!told_of_fallback.exchange(true, memory_order_relaxed)) {  // relaxed: one of them says it
    debug_log("io_uring is %s (errno %d): using epoll", error == 0 ? "too old" : "not available", error);
  }
}

}  // namespace

worker_poller::worker_poller() {
  const os::result made = os::make_eventfd();
  if (!made.ok()) {
    throw std::system_error(made.error, std::system_category(), "weft: eventfd of a poller");
  }
  wake_fd_ = made.fd();
}

worker_poller::~worker_poller() {
  retire();
  os::close(wake_fd_);
}

void worker_poller::poll(std::int64_t timeout_ns) noexcept {
  if (backend_->poll(timeout_ns)) {
    // acq_rel pairs with wake(): what its caller published before is seen by the scheduler after poll().
    wake_pending_.exchange(false, memory_order_acq_rel);
  }
}

void worker_poller::wake() noexcept {
  if (!wake_pending_.exchange(true, memory_order_acq_rel)) {  // pairs with the exchange in poll()
    const os::result r = os::signal_eventfd(wake_fd_);
    // EAGAIN: the counter is at its limit, which took 2^64 wake-ups.
    WEFT_CHECK(r.ok() || r.error == EINTR, "a poller cannot be woken: errno %d", r.error);
  }
}

void worker_poller::retire() noexcept {
  if (backend_ != nullptr) {
    backend_->retire();
    backend_.reset();
  }
}

poll_backend* worker_poller::backend(io_backend wanted, int& error) noexcept {
  if (backend_ != nullptr) [[likely]] {
    return backend_.get();
  }
  error = 0;
  const bool automatic = wanted == io_backend::automatic;
  if (wanted == io_backend::uring || (automatic && uring_is_first_choice())) {
    backend_ = make_uring_backend(wake_fd_, error);
  }
  if (backend_ == nullptr && wanted != io_backend::uring) {
    if (automatic) {
      tell_of_fallback(error != 0 ? error : why_no_uring());
    }
    error = 0;
    backend_ = make_epoll_backend(wake_fd_, error);
  }
  return backend_.get();
}

poll_backend* current_backend(int& error) noexcept {
  try {
    if (current_poller() == nullptr) {
      install_poller(std::make_unique<worker_poller>());
    }
  } catch (const std::system_error& failure) {
    error = failure.code().value();
    return nullptr;
  } catch (const std::bad_alloc&) {
    error = ENOMEM;
    return nullptr;
  }
  return static_cast<worker_poller*>(current_poller())->backend(current_io_backend(), error);
}

}  // namespace weft::inline v0::detail
