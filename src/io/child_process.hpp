// A child that is to be reaped: once, by whoever finds it ended. Its number is used only while nobody has reaped it, for
// afterwards it may be a stranger's.
#pragma once
#include <mutex>  // mutex

#include <sys/types.h>  // pid_t

#include "io/os.hpp"
#include "sched/park.hpp"  // time_point
#include <weft/io/descriptor.hpp>
#include <weft/io/process.hpp>

namespace weft::inline v0::detail {

struct child_process {
  explicit child_process(const process_options& options) noexcept
      : group(options.new_group), kill_on_cancel(options.kill_on_cancel) {}
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;

  // Waits for it with what the kernel has: a descriptor, if one can be had. Never fails.
  void open_descriptor() noexcept;

  // {0}: it has ended and `status` is set, now or before; {-1, EAGAIN}: it runs; {-1, ECHILD}: somebody else has reaped it.
  os::result reap() noexcept;
  // 0 or an errno; ESRCH: it has been reaped.
  int kill(int signal) noexcept;
  // As reap(), with ETIMEDOUT. A cancellation point.
  os::result wait(time_point deadline);
  // SIGKILL, and no cancellation point.
  void kill_and_reap() noexcept;

  pid_t pid = -1;  // set before anybody else sees this
  const bool group;
  const bool kill_on_cancel;
  descriptor pidfd;  // closed: there is none
  // Guards what follows, over system calls that never sleep: the number must not be reaped while a signal is sent to it.
  std::mutex mutex;
  bool gone = false;    // reaped, by us or by somebody else
  bool stolen = false;  // by somebody else: there is no status
  exit_status status;
};

}  // namespace weft::inline v0::detail
