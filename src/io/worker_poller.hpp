// The poller of one worker: an eventfd that wakes it, kept for good, and a backend, made anew for each thread. Waking
// comes from any thread and may come late, so it touches nothing of the backend.
#pragma once
#include <memory>  // unique_ptr

#include "io/poll_backend.hpp"
#include "io/ring.hpp"
#include "sched/poller.hpp"
#include "sched/worker.hpp"
#include <weft/base/atomic.hpp>
#include <weft/sched/runtime.hpp>  // io_backend

namespace weft::inline v0::detail {

class worker_poller final : public poller {
 public:
  // \throws std::system_error  no event descriptor could be had
  worker_poller();
  ~worker_poller() override;

  void poll(std::int64_t timeout_ns) noexcept override;
  void wake() noexcept override;
  bool has_descriptors() const noexcept override { return backend_ != nullptr && backend_->has_descriptors(); }
  void retire() noexcept override;

  // Null until the first wait. Of the owner.
  poll_backend* made() const noexcept { return backend_.get(); }
  // The backend of the calling thread, its owner, made as `wanted` says if there is none. Null with an errno in `error`:
  // it cannot be had. automatic: a ring, or epoll where there is none.
  poll_backend* backend(io_backend wanted, int& error) noexcept;

 private:
  int wake_fd_ = -1;
  // | wake_pending_ | meaning                                          | who changes it |
  // | true          | an eventfd write has been made and not yet seen  | wake() sets    |
  // | false         | the next wake() must write                       | poll() clears  |
  atomic<bool> wake_pending_{false};
  std::unique_ptr<poll_backend> backend_;
};

// The backend of the calling worker; makes and installs poller and backend on first use. Null with an errno in `error`.
// \pre on_worker()
poll_backend* current_backend(int& error) noexcept;

// The same for a caller that knows its worker. Nobody else installs a poller.
[[gnu::always_inline]] inline poll_backend* backend_of(const worker& here, int& error) noexcept {
  const auto* const mine = static_cast<const worker_poller*>(here.descriptors.get());
  return mine != nullptr && mine->made() != nullptr ? mine->made() : current_backend(error);
}

// The ring of the calling worker `here`; null when it has none, or does not know the call, and on a plain thread.
[[gnu::always_inline]] inline ring* ring_of(const worker* here, ring_call call) noexcept {
  if (here == nullptr) {
    return nullptr;
  }
  int error = 0;
  const poll_backend* const backend = backend_of(*here, error);
  ring* const mine = backend == nullptr ? nullptr : backend->requests();
  return mine != nullptr && mine->has(call) ? mine : nullptr;
}

}  // namespace weft::inline v0::detail
