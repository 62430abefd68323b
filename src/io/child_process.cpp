// Reaping, killing and waiting.
#include "io/child_process.hpp"

#include <algorithm>  // min
#include <cerrno>     // error numbers
#include <chrono>     // milliseconds
#include <csignal>    // SIGKILL, CLD_EXITED
#include <exception>  // uncaught_exceptions

#include "io/operation.hpp"
#include "io/os_process.hpp"
#include "io/raw_descriptor.hpp"
#include <weft/sched/this_fiber.hpp>  // cancel_shield, sleep_until

namespace weft::inline v0::detail {
namespace {

constexpr const char* what = "child process";

exit_status to_exit_status(const siginfo_t& info) noexcept {
  if (info.si_code == CLD_EXITED) {
    return {.code = info.si_status, .signal = 0, .dumped_core = false};
  }
  return {.code = -1, .signal = info.si_status, .dumped_core = info.si_code == CLD_DUMPED};
}

}  // namespace

void child_process::open_descriptor() noexcept {
  const os::result r = os::open_pidfd(pid);
  if (r.ok()) {
    try {
      pidfd = raw_descriptor(r.fd()).adopt(sharing::readers);
    } catch (...) {  // no memory for it: then without
    }
  }
}

os::result child_process::reap() noexcept {
  const std::lock_guard held(mutex);
  if (!gone) {
    siginfo_t info{};
    const os::result r = os::reap(pid, info);
    if (r.ok() && r.value == 0) {
      return {-1, EAGAIN};
    }
    if (!r.ok() && r.error != ECHILD) {
      return r;
    }
    gone = true;
    stolen = !r.ok();
    if (r.ok()) {
      status = to_exit_status(info);
    }
  }
  return stolen ? os::result{-1, ECHILD} : os::result{};
}

int child_process::kill(int signal) noexcept {
  const std::lock_guard held(mutex);
  return gone ? ESRCH : os::kill(group ? -pid : pid, signal).error;
}

os::result child_process::wait(time_point deadline) {
  // Runs while weft::cancelled passes through.
  struct on_cancel {
    ~on_cancel() {
      if (std::uncaught_exceptions() > before && child.kill_on_cancel) {
        child.kill_and_reap();
      }
    }
    child_process& child;
    int before = std::uncaught_exceptions();
  } const guard{*this};

  const descriptor_handle handle = pidfd.handle();
  if (handle.slot != nullptr) {
    time_limit limit(deadline);
    const os::result r =
        run_io(handle, direction::read, limit, what, 0, short_read::says_nothing, [this](int) { return reap(); });
    if (r.ok() || r.error == ETIMEDOUT || r.error == ECHILD) {
      return r;
    }  // else it cannot be waited for through a descriptor here: no memory, no epoll
  }
  using std::chrono::milliseconds;
  constexpr milliseconds rarest{32};
  for (milliseconds pause{1};; pause = std::min(2 * pause, rarest)) {
    this_fiber::check_stop();
    const os::result r = reap();
    if (r.error != EAGAIN && r.error != EINTR) {
      return r;
    }
    const time_point start = now();
    if (deadline <= start) {
      return {-1, ETIMEDOUT};
    }
    this_fiber::sleep_until(std::min(deadline, start + pause));
  }
}

void child_process::kill_and_reap() noexcept {
  const cancel_shield until_reaped;
  kill(SIGKILL);  // ESRCH: it has been reaped
  wait(no_deadline);
}

}  // namespace weft::inline v0::detail
