// Keeps the SIGPIPE of one system call from the process: for calls that have no MSG_NOSIGNAL. The signal is one of the
// thread that made the call, so it is blocked there, taken out again, and never seen by a handler.
#pragma once
#include <csignal>  // sigset_t, sigpending, sigtimedwait
#include <ctime>    // timespec

namespace weft::inline v0::detail {

// While one is in scope the thread must run no other fiber.
class sigpipe_block {
 public:
  sigpipe_block() noexcept {
    ::sigemptyset(&only_);
    ::sigaddset(&only_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &only_, &before_);
    others_ = is_pending();
  }
  ~sigpipe_block() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  sigpipe_block(const sigpipe_block&) = delete;
  sigpipe_block& operator=(const sigpipe_block&) = delete;

  // The call has failed with EPIPE: its signal goes. One that waited before the call is another's, and stays.
  void take_signal() const noexcept {
    const timespec at_once{};
    while (!others_ && is_pending()) {
      ::sigtimedwait(&only_, nullptr, &at_once);
    }
  }

 private:
  static bool is_pending() noexcept {
    sigset_t waiting;
    return ::sigpending(&waiting) == 0 && ::sigismember(&waiting, SIGPIPE) == 1;
  }
  sigset_t only_, before_;
  bool others_ = false;
};

}  // namespace weft::inline v0::detail
