// The access log. The one idea: fibers only append a line to a buffer in memory; one thread writes whole buffers, so lines
// never interleave, a slow reader of the log never stalls a worker, and many lines cost one write.
#pragma once
#include <chrono>              // microseconds
#include <condition_variable>  // condition_variable
#include <cstdint>             // uint64_t
#include <ctime>               // time_t
#include <memory>              // shared_ptr
#include <mutex>               // mutex
#include <string>              // string
#include <string_view>         // string_view
#include <thread>              // thread

#include "common/descriptor.hpp"  // descriptor

namespace weft::tool {

struct log_entry {
  std::string_view peer;            // address of the client
  std::time_t at = 0;               // when the request was answered
  std::string_view method, target;  // empty: the request could not be read
  unsigned version = 11;
  unsigned status = 0;
  std::uint64_t bytes = 0;  // of body, as sent
  std::string_view referer, user_agent;
  std::chrono::microseconds took{0};
};

// One line in the combined format with the time taken in seconds at its end, and a newline. Bytes that could fake another
// line, another field or a terminal escape are written \xHH.
std::string render_log_line(const log_entry& entry);

class access_log {
 public:
  // "-" is standard output, anything else a file that is appended to. \throws std::system_error
  explicit access_log(const std::string& path, std::chrono::milliseconds last_wait = std::chrono::seconds{1});
  // Writes what is left. A write that nobody ends (a pipe that is not read, a disk that has gone) is waited for as long as
  // `last_wait`; then the writer is left to itself, with what it needs, and a line on standard error says so.
  ~access_log();
  access_log(const access_log&) = delete;
  access_log& operator=(const access_log&) = delete;

  // Any thread or fiber; never suspends and never waits for the disk. When the reader is so slow that `most_buffered`
  // bytes wait, lines are dropped and counted; the log says so once it moves again.
  void append(const log_entry& entry);

  // A file: opens the path again, which a rotation has given to another file. Lines appended before are written to the old
  // one, all others to the new one; a log that had ended for an error goes on. Standard output stays as it is.
  // Any thread; blocks it. \throws std::system_error: all is as before
  void reopen();
  bool is_file() const noexcept { return path_ != "-"; }

  static constexpr std::size_t most_buffered = 8U << 20;

 private:
  // What the writer needs: shared, as it may be left behind in a write.
  struct state {
    descriptor owned;
    int fd = -1;
    std::mutex mutex;  // guards the rest; held for an append or a swap only
    std::condition_variable wake, done;
    std::string pending;
    std::string before;      // what goes to the old file, when there is a new one
    descriptor replacement;  // the new one, until the writer takes it
    std::uint64_t dropped = 0;
    bool stop = false;   // the log is to end
    bool ended = false;  // the writer has written all there was
  };
  static void write_loop(state& s);
  static bool write_out(int fd, std::string_view text) noexcept;
  static descriptor open(const std::string& path);

  const std::string path_;
  std::chrono::milliseconds last_wait_;
  std::shared_ptr<state> state_ = std::make_shared<state>();
  std::thread writer_;
};

}  // namespace weft::tool
