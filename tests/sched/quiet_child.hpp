// Proves that code makes no system calls: they are forbidden to the calling thread, and the first one ends the process.
#pragma once
#include <algorithm>        // clamp
#include <array>            // the filter
#include <csignal>          // sigaction
#include <cstddef>          // offsetof
#include <linux/filter.h>   // sock_filter
#include <linux/seccomp.h>  // seccomp_data
#include <sys/prctl.h>      // prctl
#include <sys/syscall.h>    // SYS_exit_group
#include <unistd.h>         // _exit

#include "support/child.hpp"  // skipped_status

namespace weft::testing {

// The child's exit status when a system call was made is this and its number (at most 255).
inline constexpr int called_status = 100;

// From here on the calling thread ends the process by any system call but the one to end it; there is no way back. For
// a child process. Reading the clock is no system call where the kernel lets programs do it themselves, and allowed
// where it does not. Ends the child as skipped where the kernel has no such filters.
inline void forbid_system_calls() {
  struct sigaction action = {};
  action.sa_flags = SA_SIGINFO;
  action.sa_sigaction = [](int, siginfo_t* info, void*) {
    ::_exit(std::clamp(called_status + info->si_syscall, called_status, 255));
  };
  constexpr auto number_at = static_cast<__u32>(offsetof(seccomp_data, nr));
  std::array<sock_filter, 5> rules{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, number_at),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_gettime, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog program{rules.size(), rules.data()};
  if (::sigaction(SIGSYS, &action, nullptr) != 0 || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    ::_exit(skipped_status);
  }
}

}  // namespace weft::testing
