// Messages to a thread that sleeps: what `ping_channel --variant asleep` measures.
#pragma once
#include <cstdint>        // uint64_t
#include <fcntl.h>        // open
#include <string>         // path
#include <string_view>    // state
#include <sys/syscall.h>  // SYS_gettid
#include <sys/types.h>    // pid_t
#include <unistd.h>       // pread

#include "contenders/common/errors.hpp"
#include "contenders/common/repeat.hpp"
#include "contenders/common/wake.hpp"

namespace contenders {

inline pid_t this_thread_id() { return static_cast<pid_t>(::syscall(SYS_gettid)); }

// Whether a thread of this process sleeps, as the kernel sees it.
class thread_state {
 public:
  explicit thread_state(pid_t thread)
      : file_(needed(::open(("/proc/self/task/" + std::to_string(thread) + "/stat").c_str(), O_RDONLY | O_CLOEXEC),
                     "/proc/self/task")) {}
  ~thread_state() { ::close(file_); }
  thread_state(const thread_state&) = delete;
  thread_state& operator=(const thread_state&) = delete;

  bool sleeps() const {
    char buffer[256];
    const auto got = static_cast<std::size_t>(needed(::pread(file_, buffer, sizeof buffer, 0), "/proc/self/task"));
    const std::string_view text(buffer, got);
    const std::size_t name_end = text.rfind(')');
    return name_end != std::string_view::npos && name_end + 2 < got && text[name_end + 2] == 'S';
  }

 private:
  int file_;
};

// `send()` n times, each when `receiver` sleeps; in time is what passes until the receiving side says received.is_now().
template <class Send>
timed send_to_sleeper(std::uint64_t n, const thread_state& receiver, moment& received, Send&& send) {
  double ns = 0;
  for (std::uint64_t i = 0; i < n; ++i) {
    while (!receiver.sleeps()) {
    }
    const std::int64_t before = now_ns();
    send();
    ns += static_cast<double>(received.wait() - before);
  }
  return {ns, n};
}

}  // namespace contenders
