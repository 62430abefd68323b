// SIGINT and SIGTERM as two calls: the first asks, the second insists; and for who wants them SIGUSR1, a question, and
// SIGHUP, which says that files have changed. A thread of its own waits for them, so that a stop works even when no fiber
// gets to run.
#pragma once
#include <functional>  // function
#include <thread>      // thread

#include <weft/io/signal_set.hpp>

namespace weft::tool {

class stop_signals {
 public:
  // `first` runs on a thread of its own, once; the second signal ends the process with 128 + its number. `report`, if there
  // is one, runs on the same thread for each SIGUSR1, and `hangup` for each SIGHUP; a signal without its function does what
  // it did before. None of them may take long: nobody listens meanwhile.
  // \throws std::system_error
  explicit stop_signals(std::function<void()> first, std::function<void()> report = nullptr,
                        std::function<void()> hangup = nullptr);
  // Stops listening; a signal that comes later does what it did before.
  ~stop_signals();
  stop_signals(const stop_signals&) = delete;
  stop_signals& operator=(const stop_signals&) = delete;

 private:
  void listen() noexcept;

  std::function<void()> first_, report_, hangup_;
  signal_set signals_;
  std::thread thread_;
};

}  // namespace weft::tool
