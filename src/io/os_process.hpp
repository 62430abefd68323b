// The system calls for child processes and signals; see os.hpp.
#pragma once
#include <csignal>  // sigaction, siginfo_t

#include <spawn.h>      // posix_spawn
#include <sys/types.h>  // pid_t

#include "io/os.hpp"

namespace weft::inline v0::detail::os {

// What posix_spawn is given. `environment` null: that of this process.
struct spawn_request {
  const char* program = nullptr;
  bool search_path = true;
  char* const* arguments = nullptr;
  char* const* environment = nullptr;
  const posix_spawn_file_actions_t* actions = nullptr;
  const posix_spawnattr_t* attributes = nullptr;
};
result spawn(const spawn_request& request) noexcept;  // \return the process's number
result open_pidfd(pid_t process) noexcept;            // close-on-exec
// Takes the status of a child that has ended, and its number with it. \return 0: it has not ended
result reap(pid_t process, siginfo_t& out) noexcept;
result kill(pid_t process, int signal) noexcept;  // negative: a process group
result set_disposition(int signal, const struct sigaction* now, struct sigaction* before) noexcept;

}  // namespace weft::inline v0::detail::os
