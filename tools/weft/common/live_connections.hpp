// Who is connected, and how a stop reaches them. The one idea: a stop never interrupts a fiber, it shuts the socket
// down; the fiber then sees the end of its stream where it stands, in straight-line code, and leaves as it always does.
#pragma once
#include <cstddef>  // size_t
#include <mutex>    // mutex

#include <weft/base/atomic.hpp>  // atomic

namespace weft::tool {

class live_connections {
 public:
  // A connection's entry; its owner keeps it alive, and open, between add and remove.
  class entry {
   public:
    // Before waiting for a next request. False: the server is stopping, do not wait.
    bool enter_idle() noexcept {
      // A store, then a load: with the stop's store, then load, at least one of the two sees the other.
      idle_.store(true, detail::memory_order_seq_cst);  // pairs with the load in close_idle
      if (owner_ != nullptr && owner_->stopping()) {
        leave_idle();
        return false;
      }
      return true;
    }
    // relaxed: a stop that still sees `idle` shuts down the reading side of a connection whose request just arrived,
    // which is what would have happened had the stop come a moment earlier.
    void leave_idle() noexcept { idle_.store(false, detail::memory_order_relaxed); }
    bool stopping() const noexcept { return owner_ != nullptr && owner_->stopping(); }

   private:
    friend class live_connections;
    live_connections* owner_ = nullptr;
    entry* previous_ = nullptr;
    entry* next_ = nullptr;
    int fd_ = -1;
    detail::atomic<bool> idle_{false};
  };

  live_connections() noexcept = default;
  live_connections(const live_connections&) = delete;
  live_connections& operator=(const live_connections&) = delete;
  ~live_connections() = default;

  void add(entry& e, int fd);
  // Returns true when it was the last one and the server is stopping.
  bool remove(entry& e) noexcept;
  std::size_t size() const;

  bool stopping() const noexcept { return stopping_.load(detail::memory_order_seq_cst); }  // pairs with begin_stop

  // Connections that wait for a request read an end of stream; later ones do not start to wait. Returns how many are
  // left with a request in flight or on their way out.
  std::size_t begin_stop();
  // What is left is cut off in both directions.
  void cut_all();

 private:
  mutable std::mutex mutex_;  // guards the list; no suspension under it
  entry* first_ = nullptr;
  std::size_t count_ = 0;
  detail::atomic<bool> stopping_{false};  // set once by begin_stop, under the mutex
};

}  // namespace weft::tool
