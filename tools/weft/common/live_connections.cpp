// The list of connections and the two ways to end them.
#include "common/live_connections.hpp"

#include <sys/socket.h>  // shutdown

namespace weft::tool {

// The result of shutdown() is dropped in this file: it fails only when the peer has already gone.

void live_connections::add(entry& e, int fd) {
  const std::lock_guard lock{mutex_};
  e.owner_ = this;
  e.fd_ = fd;
  e.next_ = first_;
  e.previous_ = nullptr;
  if (first_ != nullptr) {
    first_->previous_ = &e;
  }
  first_ = &e;
  ++count_;
}

bool live_connections::remove(entry& e) noexcept {
  const std::lock_guard lock{mutex_};
  (e.previous_ != nullptr ? e.previous_->next_ : first_) = e.next_;
  if (e.next_ != nullptr) {
    e.next_->previous_ = e.previous_;
  }
  --count_;
  return count_ == 0 && stopping_.load(detail::memory_order_relaxed);  // relaxed: written under this mutex
}

std::size_t live_connections::size() const {
  const std::lock_guard lock{mutex_};
  return count_;
}

std::size_t live_connections::begin_stop() {
  const std::lock_guard lock{mutex_};
  stopping_.store(true, detail::memory_order_seq_cst);  // pairs with stopping() in enter_idle
  for (entry* e = first_; e != nullptr; e = e->next_) {
    if (e->idle_.load(detail::memory_order_seq_cst)) {  // pairs with the store in enter_idle
      static_cast<void>(::shutdown(e->fd_, SHUT_RD));
    }
  }
  return count_;
}

void live_connections::cut_all() {
  const std::lock_guard lock{mutex_};
  for (entry* e = first_; e != nullptr; e = e->next_) {
    static_cast<void>(::shutdown(e->fd_, SHUT_RDWR));
  }
}

}  // namespace weft::tool
