// A thread that waits for signals.
#include "common/stop_signals.hpp"

#include <unistd.h>  // _exit

#include <chrono>        // milliseconds
#include <csignal>       // SIGINT, SIGTERM, SIGUSR1, SIGHUP
#include <system_error>  // error_code
#include <utility>       // move

namespace weft::tool {
namespace {

signal_set listened_for(bool reports, bool hangups) {
  if (reports && hangups) {
    return signal_set{SIGINT, SIGTERM, SIGUSR1, SIGHUP};
  }
  if (reports) {
    return signal_set{SIGINT, SIGTERM, SIGUSR1};
  }
  if (hangups) {
    return signal_set{SIGINT, SIGTERM, SIGHUP};
  }
  return signal_set{SIGINT, SIGTERM};
}

}  // namespace

stop_signals::stop_signals(std::function<void()> first, std::function<void()> report, std::function<void()> hangup)
    : first_(std::move(first)),
      report_(std::move(report)),
      hangup_(std::move(hangup)),
      signals_(listened_for(report_ != nullptr, hangup_ != nullptr)),
      thread_{[this] { listen(); }} {}

stop_signals::~stop_signals() {
  signals_.close();
  thread_.join();
}

void stop_signals::listen() noexcept {
  for (bool asked = false;;) {
    std::error_code error;
    const int signal = signals_.wait(error);
    if (error == std::errc::operation_canceled || error == std::errc::bad_file_descriptor) {
      return;  // closed
    }
    if (error) {  // no descriptor to be had for waiting; what comes meanwhile is noted
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    } else if (signal == SIGUSR1) {
      report_();
    } else if (signal == SIGHUP) {
      hangup_();
    } else if (asked) {
      ::_exit(128 + signal);
    } else {
      asked = true;
      first_();
    }
  }
}

}  // namespace weft::tool
