// A thread in poll(2) over a signalfd and an eventfd.
#include "common/stop_signals.hpp"

#include <poll.h>          // poll
#include <sys/eventfd.h>   // eventfd
#include <sys/signalfd.h>  // signalfd
#include <unistd.h>        // read, write, _exit

#include <cerrno>        // errno
#include <csignal>       // sigset_t, pthread_sigmask
#include <cstdint>       // uint64_t
#include <system_error>  // system_error
#include <utility>       // move

namespace weft::tool {
namespace {

sigset_t set_of(signals which) noexcept {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  if (which == signals::stop_and_report) {
    sigaddset(&set, SIGUSR1);
  }
  return set;
}

}  // namespace

void block_stop_signals(signals which) {
  const sigset_t set = set_of(which);
  const int error = ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  if (error != 0) {
    throw std::system_error(error, std::system_category(), "pthread_sigmask");
  }
}

stop_signals::stop_signals(std::function<void()> first, std::function<void()> report)
    : first_(std::move(first)), report_(std::move(report)) {
  const sigset_t set = set_of(report_ ? signals::stop_and_report : signals::stop);
  signals_ = descriptor{::signalfd(-1, &set, SFD_CLOEXEC)};
  quit_ = descriptor{::eventfd(0, EFD_CLOEXEC)};
  if (!signals_.valid() || !quit_.valid()) {
    throw std::system_error(errno, std::system_category(), "signalfd");
  }
  thread_ = std::thread{[this] { listen(); }};
}

stop_signals::~stop_signals() {
  const std::uint64_t one = 1;
  const ssize_t n = ::write(quit_.get(), &one, sizeof one);
  static_cast<void>(n);  // an eventfd at 0 always takes a 1
  thread_.join();
}

void stop_signals::listen() noexcept {
  bool asked = false;
  for (;;) {
    pollfd ready[2] = {{signals_.get(), POLLIN, 0}, {quit_.get(), POLLIN, 0}};
    if (::poll(ready, 2, -1) < 0) {
      continue;  // EINTR; nothing else can happen to two descriptors of our own
    }
    if (ready[0].revents != 0) {
      signalfd_siginfo info{};
      if (::read(signals_.get(), &info, sizeof info) != sizeof info) {
        continue;
      }
      if (info.ssi_signo == SIGUSR1) {
        report_();
        continue;
      }
      if (asked) {
        ::_exit(128 + static_cast<int>(info.ssi_signo));
      }
      asked = true;
      first_();
    }
    if (ready[1].revents != 0) {
      return;
    }
  }
}

}  // namespace weft::tool
