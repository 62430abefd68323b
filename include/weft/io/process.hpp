/// \file   weft/io/process.hpp
/// \brief  Child processes: start, feed, read, wait, kill.
#pragma once
#include <chrono>        // steady_clock
#include <cstdint>       // uint8_t
#include <filesystem>    // path
#include <memory>        // unique_ptr
#include <optional>      // optional
#include <string>        // string
#include <string_view>   // string_view
#include <system_error>  // error_code
#include <vector>        // vector

#include <weft/base/config.hpp>  // WEFT_EXPORT
#include <weft/io/pipe.hpp>      // pipe_reader, pipe_writer
#include <weft/sched/time.hpp>   // deadline_after

namespace weft::inline v0 {
namespace detail {
struct child_process;
}

/// What a child has as its standard input, output or error.
class stdio {
 public:
  enum class kind : std::uint8_t { inherit, null, pipe, descriptor, same_as_output };
  static constexpr stdio inherit() noexcept { return stdio(kind::inherit); }  ///< what this process has
  static constexpr stdio null() noexcept { return stdio(kind::null); }        ///< /dev/null
  static constexpr stdio pipe() noexcept { return stdio(kind::pipe); }  ///< whose other end the process object has
  /// A copy of `fd`, made before spawn() returns.
  static constexpr stdio descriptor(int fd) noexcept { return stdio(kind::descriptor, fd); }
  static constexpr stdio same_as_output() noexcept {
    return stdio(kind::same_as_output);
  }  ///< for the error only: 2>&1

  constexpr kind what() const noexcept { return kind_; }
  constexpr int fd() const noexcept { return fd_; }

 private:
  constexpr explicit stdio(kind what, int fd = -1) noexcept : kind_(what), fd_(fd) {}
  kind kind_;
  int fd_;
};

struct process_options {
  stdio input = stdio::inherit();
  stdio output = stdio::inherit();
  stdio error = stdio::inherit();
  std::optional<std::vector<std::string>> environment =
      std::nullopt;                              ///< "NAME=value" each; nullopt: that of this process
  std::filesystem::path working_directory = {};  ///< empty: that of this process
  bool search_path = true;                       ///< a program without '/' is looked for in this process's PATH
  bool new_group = false;  ///< the leader of a new process group; kill() then means all of the group
  bool keep_descriptors =
      false;  ///< the child also gets what is open above 2 and not close-on-exec; weft's own always is
  bool kill_on_cancel = false;  ///< a wait that a stop ends kills and reaps the child before it throws weft::cancelled
};

/// How a process ended: by itself with a code, or by a signal.
struct exit_status {
  int code = -1;   ///< of exit(); -1 when a signal ended it
  int signal = 0;  ///< 0 when it ended by itself
  bool dumped_core = false;
  [[nodiscard]] bool success() const noexcept { return code == 0; }
  bool operator==(const exit_status&) const noexcept = default;
};

struct process_output {
  exit_status status;
  std::string output, error;
};

/// A child process. There are no zombies: whoever waits for it reaps it, else the destructor kills it (SIGKILL, with
/// new_group the whole group) and reaps it. So a child does not outlive its object; release() lets it.
///
/// Threads:  wait, try_wait, kill and id may be used at the same time, by any number of fibers and plain threads; all who wait
///           get the status. The pipes are objects of their own. Moving and destroying need the object for themselves.
/// Blocking: a waiting fiber parks on a pidfd, a plain thread sleeps in poll(2). Where there is none (Linux before 5.3,
///           filters, no free number) it is looked at again and again, every 32 ms at the rarest. spawn() parks while a thread of
///           the blocking pool starts the program. The destructor may park, until the kernel has ended the child.
/// Stop:     spawn, run, wait and the timed waits are cancellation points, also when they need not wait. A stop while the
///           program is being started is delivered at the next point, after spawn().
/// Errors:   std::system_error, or the last argument, with the system's errno. spawn: no_such_file_or_directory,
///           permission_denied, ... of the program or the working directory; invalid_argument: no program, a zero byte in an
///           argument, or same_as_output elsewhere than for the error. wait: no_child_process: somebody else has reaped it, or SIGCHLD
///           is ignored.
/// Signals:  a child starts with none blocked, and with SIGPIPE at its default; others that are ignored here stay ignored there.
///           weft neither handles SIGCHLD nor minds if the program does.
class WEFT_EXPORT process {
 public:
  process() noexcept;
  process(process&& from) noexcept;
  process& operator=(process&& from) noexcept;  ///< kills and reaps the one it had
  ~process();

  /// command[0] is the program, the rest its arguments. By posix_spawn, whose cost does not grow with this process's memory.
  [[nodiscard]] static process spawn(const std::vector<std::string>& command, const process_options& options = {});
  static process spawn(const std::vector<std::string>& command, const process_options& options, std::error_code& error);

  /// Starts it, writes `input` (none: /dev/null), reads output and error at the same time, whatever amounts, and waits. Output
  /// and error are read until nobody has the pipes open, which may be a child of the child. options.input is not looked at, nor
  /// is options.output; options.error may be same_as_output. A stop, a deadline around it, or an error kills and reaps
  /// the child. On a plain thread it starts a runtime of one worker for its length. Memory: what is read, without limit.
  [[nodiscard]] static process_output run(const std::vector<std::string>& command, std::string_view input = {},
                                          const process_options& options = {});
  static process_output run(const std::vector<std::string>& command, std::string_view input,
                            const process_options& options, std::error_code& error);

  /// Until it has ended; repeatable. The pipes stay open: a child that fills its output, or reads its input to the end, needs
  /// somebody to read or to close them.
  exit_status wait();
  exit_status wait(std::error_code& error);
  /// \return nullopt: the time has passed, and it runs
  template <class Rep, class Period>
  [[nodiscard]] std::optional<exit_status> wait_for(std::chrono::duration<Rep, Period> timeout) {
    return wait_until_steady(detail::deadline_after(timeout));
  }
  template <class Clock, class Duration>
  [[nodiscard]] std::optional<exit_status> wait_until(std::chrono::time_point<Clock, Duration> until) {
    return wait_until_steady(detail::steady_deadline(until));
  }
  /// Never suspends. \return nullopt: it runs, or `error` is set
  [[nodiscard]] std::optional<exit_status> try_wait();
  std::optional<exit_status> try_wait(std::error_code& error);

  /// Never suspends, and never hits another process that has got the number since. no_such_process: it has been reaped.
  void kill(int signal);
  void kill(int signal, std::error_code& error) noexcept;

  /// Gives it up: it may outlive this object, and the caller has to reap it (waitpid). \return its number, -1: none or reaped
  int release() noexcept;

  [[nodiscard]] int id() const noexcept;  ///< its number, or -1: none or reaped
  [[nodiscard]] bool has_child() const noexcept { return child_ != nullptr; }

  /// Our ends of the pipes asked for; others are closed.
  [[nodiscard]] pipe_writer& input() noexcept { return input_; }
  [[nodiscard]] pipe_reader& output() noexcept { return output_; }
  [[nodiscard]] pipe_reader& error() noexcept { return error_; }

 private:
  std::optional<exit_status> wait_until_steady(std::chrono::steady_clock::time_point deadline);
  std::optional<exit_status> wait_until_steady(std::chrono::steady_clock::time_point deadline, std::error_code& error);

  std::unique_ptr<detail::child_process> child_;
  pipe_writer input_;
  pipe_reader output_, error_;
};

}  // namespace weft::inline v0
