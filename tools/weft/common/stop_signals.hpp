// SIGINT and SIGTERM as two calls: the first asks, the second insists. They are blocked in every thread and read by one of
// their own, so that a stop works even when no fiber gets to run.
#pragma once
#include <functional>  // function
#include <thread>      // thread

#include "common/descriptor.hpp"  // descriptor

namespace weft::tool {

// Blocks both in the calling thread and in those it starts from now on: call it before a runtime exists.
// \throws std::system_error
void block_stop_signals();

class stop_signals {
 public:
  // `first` runs on a thread of its own, once; the second signal ends the process with 128 + its number.
  // \throws std::system_error
  explicit stop_signals(std::function<void()> first);
  // Stops listening; a signal that comes later stays blocked.
  ~stop_signals();
  stop_signals(const stop_signals&) = delete;
  stop_signals& operator=(const stop_signals&) = delete;

 private:
  void listen() noexcept;

  std::function<void()> first_;
  descriptor signals_, quit_;
  std::thread thread_;
};

}  // namespace weft::tool
