// Access log: formatting, and the thread that writes.
#include "serve/access_log.hpp"

#include <fcntl.h>   // open
#include <poll.h>    // poll
#include <unistd.h>  // write

#include <array>         // array
#include <cerrno>        // errno
#include <cstdio>        // snprintf
#include <system_error>  // system_error
#include <utility>       // exchange

#include "serve/http_date.hpp"  // log_date

namespace weft::tool {
namespace {

// How long the writer gathers lines before it writes: short enough for `tail -f`, long enough that a busy server makes
// 50 writes a second instead of one per request. An idle server wakes nobody.
constexpr std::chrono::milliseconds gather{20};
constexpr std::size_t write_at_once = 64U << 10;  // bytes that end the gathering early

void append_escaped(std::string& out, std::string_view text) {
  static constexpr std::string_view digits = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f || c == '"' || c == '\\') {
      out += "\\x";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else {
      out += c;
    }
  }
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text.empty() ? "-" : text);
  out += '"';
}

void complain(std::string_view text) noexcept {
  const ssize_t said = ::write(STDERR_FILENO, text.data(), text.size());
  static_cast<void>(said);  // nowhere left to complain
}

}  // namespace

std::string render_log_line(const log_entry& entry) {
  std::string out;
  out.reserve(160 + entry.target.size() + entry.user_agent.size());
  append_escaped(out, entry.peer);
  out.append(" - - [").append(log_date(entry.at)).append("] \"");
  if (entry.method.empty()) {
    out += '-';
  } else {
    append_escaped(out, entry.method);
    out += ' ';
    append_escaped(out, entry.target);
    out += entry.version == 10 ? " HTTP/1.0" : " HTTP/1.1";
  }
  out.append("\" ").append(std::to_string(entry.status)).append(" ").append(std::to_string(entry.bytes)).append(" ");
  append_quoted(out, entry.referer);
  out += ' ';
  append_quoted(out, entry.user_agent);
  std::array<char, 32> took{};
  const auto us = static_cast<long long>(entry.took.count());
  const int n = std::snprintf(took.data(), took.size(), " %lld.%06lld\n", us / 1'000'000, us % 1'000'000);
  out.append(took.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
  return out;
}

descriptor access_log::open(const std::string& path) {
  descriptor file{::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644)};
  if (!file.valid()) {
    throw std::system_error(errno, std::system_category(), path);
  }
  return file;
}

access_log::access_log(const std::string& path, std::chrono::milliseconds last_wait)
    : path_(path), last_wait_(last_wait) {
  state_->fd = STDOUT_FILENO;
  if (is_file()) {
    state_->owned = open(path);
    state_->fd = state_->owned.get();
  }
  writer_ = std::thread{[shared = state_] { write_loop(*shared); }};
}

access_log::~access_log() {
  bool ended = false;
  {
    std::unique_lock lock{state_->mutex};
    state_->stop = true;
    state_->wake.notify_one();
    ended = state_->done.wait_for(lock, last_wait_, [&] { return state_->ended; });
  }
  if (ended) {
    writer_.join();
  } else {
    writer_.detach();  // nothing ends a write from outside
    complain("weft: the end of the access log was not taken in time\n");
  }
}

void access_log::reopen() {
  if (!is_file()) {
    return;
  }
  descriptor file = open(path_);
  {
    const std::lock_guard lock{state_->mutex};
    state_->before += state_->pending;
    state_->pending.clear();
    std::swap(state_->replacement, file);  // one that the writer has not come to take has got no line
  }
  state_->wake.notify_one();
}

void access_log::append(const log_entry& entry) {
  const std::string line = render_log_line(entry);
  bool wake = false;
  {
    const std::lock_guard lock{state_->mutex};
    std::string& pending = state_->pending;
    if (state_->before.size() + pending.size() + line.size() > most_buffered) {
      ++state_->dropped;
      return;
    }
    const bool was_below = pending.size() < write_at_once;
    wake = pending.empty() || (was_below && pending.size() + line.size() >= write_at_once);
    pending += line;
  }
  if (wake) {
    state_->wake.notify_one();
  }
}

void access_log::write_loop(state& s) {
  std::string batch;
  bool healthy = true;
  std::unique_lock lock{s.mutex};
  for (;;) {
    s.wake.wait(lock, [&] { return s.stop || s.replacement.valid() || !s.pending.empty(); });
    s.wake.wait_for(lock, gather, [&] { return s.stop || s.replacement.valid() || s.pending.size() >= write_at_once; });
    descriptor next = std::move(s.replacement);
    if (s.pending.empty() && !next.valid() && s.stop) {
      s.ended = true;
      s.done.notify_one();
      return;
    }
    batch.swap(next.valid() ? s.before : s.pending);  // a file that is to be left first gets what is its own
    const auto dropped = std::exchange(s.dropped, 0);
    lock.unlock();
    if (dropped != 0) {
      batch += "# " + std::to_string(dropped) + " lines dropped: the log was not read fast enough\n";
    }
    if (healthy) {
      healthy = write_out(s.fd, batch);  // after a failure the lines go nowhere, but the server goes on
    }
    batch.clear();
    lock.lock();
    if (next.valid()) {
      s.owned = std::move(next);
      s.fd = s.owned.get();
      healthy = true;
    }
  }
}

bool access_log::write_out(int fd, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n >= 0) {
      text.remove_prefix(static_cast<std::size_t>(n));
      continue;
    }
    const int error = errno;
    if (error == EAGAIN) {  // standard output may be a pipe somebody else made non-blocking
      pollfd ready{fd, POLLOUT, 0};
      static_cast<void>(::poll(&ready, 1, -1));  // whatever it says, the next write tells
    } else if (error != EINTR) {
      std::array<char, 128> message{};
      const int size = std::snprintf(message.data(), message.size(),
                                     "weft: the access log ends here: write failed (error %d)\n", error);
      complain({message.data(), size > 0 ? static_cast<std::size_t>(size) : 0});
      return false;
    }
  }
  return true;
}

}  // namespace weft::tool
