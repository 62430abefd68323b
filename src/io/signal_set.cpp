// Waiting for what the signal handler notes.
#include <weft/io/signal_set.hpp>

#include <cerrno>   // error numbers
#include <csignal>  // SIGKILL, ...

#include "io/errors.hpp"
#include "io/operation.hpp"
#include "io/raw_descriptor.hpp"
#include "io/signal_slot.hpp"

namespace weft::inline v0 {
namespace {

// Signals that may be waited for. Those of a faulting instruction come again as soon as the handler returns.
bool may_have(int signal) noexcept {
  constexpr int refused[] = {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
  for (const int r : refused) {
    if (signal == r) {
      return false;
    }
  }
  return signal >= 1 && signal <= detail::last_signal;
}

}  // namespace

signal_set::signal_set(std::initializer_list<int> signals, std::error_code& error) {
  std::uint64_t wanted = 0;
  int failed = 0;
  for (const int s : signals) {
    if (!may_have(s)) {
      error = detail::to_error_code(EINVAL);
      return;
    }
    wanted |= detail::bit_of(s);
  }
  slot_ = detail::open_signal_slot(wanted, failed);
  if (slot_ != nullptr) {
    // A copy of the slot's eventfd: closing it ends the waits, and leaves the number the handler writes to.
    const detail::os::result copy = detail::os::duplicate(slot_->eventfd);
    failed = copy.error;
    if (copy.ok()) {
      try {
        events_ = detail::raw_descriptor(copy.fd()).adopt(detail::sharing::readers);
      } catch (const std::bad_alloc&) {
        failed = ENOMEM;
      } catch (const std::system_error& e) {
        failed = e.code().value();
      }
    }
    if (failed != 0) {
      detail::close_signal_slot(*slot_);
      slot_ = nullptr;
    }
  }
  error = detail::to_error_code(failed);
}
signal_set::signal_set(std::initializer_list<int> signals) {
  std::error_code error;
  signal_set made(signals, error);
  detail::throw_if(error, "signal_set");
  slot_ = std::exchange(made.slot_, nullptr);
  events_ = std::move(made.events_);
}
signal_set::~signal_set() {
  events_.close();
  if (slot_ != nullptr) {
    detail::close_signal_slot(*slot_);
  }
}

std::optional<int> signal_set::wait_until_steady(std::chrono::steady_clock::time_point deadline,
                                                 std::error_code& error) {
  detail::time_limit limit(deadline);
  // The counts, then the eventfd, then the counts again: what is noted after that writes to the eventfd, which is an edge.
  // What is taken after the eventfd was emptied need not be all that it told of, and those who look at the eventfd alone (a
  // ring's poll, a plain thread's) would sleep on: it is filled again.
  const auto take = [slot = slot_](int fd) -> detail::os::result {
    int signal = slot->take();
    if (signal == 0) {
      detail::os::drain_eventfd(fd);  // EAGAIN: nothing was noted, or another waiter has emptied it
      signal = slot->take();
      if (signal != 0) {
        detail::os::signal_eventfd(fd);
      }
    }
    return signal == 0 ? detail::os::result{-1, EAGAIN} : detail::os::result{signal, 0};
  };
  const detail::os::result r =
      run_io(events_.handle(), detail::direction::read, limit, "signal", 0, detail::short_read::says_nothing, take);
  error = detail::to_error_code(r.error == ETIMEDOUT ? 0 : r.error);
  return r.ok() ? std::optional(static_cast<int>(r.value)) : std::nullopt;
}
std::optional<int> signal_set::wait_until_steady(std::chrono::steady_clock::time_point deadline) {
  std::error_code error;
  const std::optional<int> signal = wait_until_steady(deadline, error);
  detail::throw_if(error, "signal_set wait");
  return signal;
}
int signal_set::wait(std::error_code& error) { return wait_until_steady(detail::no_deadline, error).value_or(0); }
int signal_set::wait() { return *wait_until_steady(detail::no_deadline); }

std::optional<int> signal_set::try_wait() noexcept {
  const int signal = slot_ == nullptr ? 0 : slot_->take();
  return signal == 0 ? std::nullopt : std::optional(signal);
}

void signal_set::close() noexcept { events_.close(); }

}  // namespace weft::inline v0
