// The system calls behind os_process.hpp.
#include "io/os_process.hpp"

#include <sys/syscall.h>  // SYS_pidfd_open
#include <sys/wait.h>     // waitid
#include <unistd.h>       // environ, syscall

#include "io/os_invoke.hpp"

namespace weft::inline v0::detail::os {

result spawn(const spawn_request& request) noexcept {
  pid_t made = -1;
  const result r = invoke_returning(call::spawn, -1, [&] {
    const auto start = request.search_path ? &::posix_spawnp : &::posix_spawn;
    return start(&made, request.program, request.actions, request.attributes, request.arguments,
                 request.environment != nullptr ? request.environment : ::environ);
  });
  return r.ok() ? result{made, 0} : r;
}
result open_pidfd(pid_t process) noexcept {
  return invoke(call::pidfd, -1, [&] { return ::syscall(SYS_pidfd_open, process, 0U); });
}
result reap(pid_t process, siginfo_t& out) noexcept {
  out.si_pid = 0;
  const result r = invoke(call::wait_child, -1,
                          [&] { return ::waitid(P_PID, static_cast<id_t>(process), &out, WEXITED | WNOHANG); });
  return r.ok() ? result{out.si_pid, 0} : r;
}
result kill(pid_t process, int signal) noexcept {
  return invoke(call::kill, -1, [&] { return ::kill(process, signal); });
}
result set_disposition(int signal, const struct sigaction* now, struct sigaction* before) noexcept {
  return invoke(call::disposition, -1, [&] { return ::sigaction(signal, now, before); });
}

}  // namespace weft::inline v0::detail::os
