// SIGINT and SIGTERM as two calls: the first asks, the second insists; and SIGUSR1, for who wants it, as a question. They are
// blocked in every thread and read by one of their own, so that a stop works even when no fiber gets to run.
#pragma once
#include <functional>  // function
#include <thread>      // thread

#include "common/descriptor.hpp"  // descriptor

namespace weft::tool {

enum class signals { stop, stop_and_report };

// Blocks them in the calling thread and in those it starts from now on: call it before a runtime exists.
// \throws std::system_error
void block_stop_signals(signals which = signals::stop);

class stop_signals {
 public:
  // `first` runs on a thread of its own, once; the second signal ends the process with 128 + its number. `report`, if there
  // is one, runs on the same thread for each SIGUSR1, which must be blocked, too; those that come while it runs are one.
  // \throws std::system_error
  explicit stop_signals(std::function<void()> first, std::function<void()> report = nullptr);
  // Stops listening; a signal that comes later stays blocked.
  ~stop_signals();
  stop_signals(const stop_signals&) = delete;
  stop_signals& operator=(const stop_signals&) = delete;

 private:
  void listen() noexcept;

  std::function<void()> first_, report_;
  descriptor signals_, quit_;
  std::thread thread_;
};

}  // namespace weft::tool
