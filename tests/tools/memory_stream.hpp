// A stream for tests of HTTP code: input is a script of pieces with the time they take, output is a string, time is a
// counter. No socket, no thread, no waiting.
#pragma once
#include <algorithm>  // min
#include <chrono>     // steady_clock, milliseconds
#include <cstddef>    // size_t
#include <deque>      // deque
#include <string>     // string
#include <utility>    // move

#include <boost/asio/buffer.hpp>       // buffer_copy
#include <boost/asio/error.hpp>        // eof, timed_out, connection_reset
#include <boost/beast/core/error.hpp>  // error_code, system_error

namespace weft::tool::test {

// A clock that only a memory_stream moves.
struct virtual_clock {
  using duration = std::chrono::steady_clock::duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<virtual_clock>;
  static constexpr bool is_steady = true;
  static inline time_point current{};
  static time_point now() noexcept { return current; }
};

class memory_stream {
 public:
  using error_code = boost::beast::error_code;

  // Arrives `after` the reader asks for it.
  void send(std::string piece, std::chrono::milliseconds after = {}) { input_.push_back({std::move(piece), after}); }
  // Writes take at most this many bytes at once, and fail with a reset after `bytes` in all.
  void accept_per_write(std::size_t most) { most_per_write_ = most; }
  void break_after(std::size_t bytes) { break_after_ = bytes; }
  // A client that says nothing more and does not leave, instead of one that closes.
  void fall_silent() { silent_ = true; }

  const std::string& output() const { return output_; }
  bool write_was_shut() const { return shut_; }
  std::size_t unread() const {
    std::size_t n = 0;
    for (const auto& p : input_) {
      n += p.bytes.size();
    }
    return n;
  }

  template <class Buffers>
  std::size_t read_some(const Buffers& buffers, error_code& ec) {
    ec = {};
    if (input_.empty()) {
      if (silent_) {
        virtual_clock::current += timeout_;
        ec = boost::asio::error::timed_out;
      } else {
        ec = boost::asio::error::eof;
      }
      return 0;
    }
    auto& piece = input_.front();
    if (piece.after > timeout_) {
      virtual_clock::current += timeout_;
      piece.after -= timeout_;
      ec = boost::asio::error::timed_out;
      return 0;
    }
    virtual_clock::current += piece.after;
    piece.after = {};
    const std::size_t n = boost::asio::buffer_copy(buffers, boost::asio::buffer(piece.bytes));
    piece.bytes.erase(0, n);
    if (piece.bytes.empty()) {
      input_.pop_front();
    }
    return n;
  }

  template <class Buffers>
  std::size_t read_some(const Buffers& buffers) {  // the throwing half of the concept
    error_code ec;
    const std::size_t n = read_some(buffers, ec);
    if (ec) {
      throw boost::beast::system_error{ec};
    }
    return n;
  }

  template <class Buffers>
  std::size_t write_some(const Buffers& buffers, error_code& ec) {
    ec = {};
    const std::size_t offered = boost::asio::buffer_size(buffers);
    std::string piece(std::min(offered, most_per_write_), '\0');
    boost::asio::buffer_copy(boost::asio::buffer(piece), buffers);
    if (output_.size() + piece.size() > break_after_) {
      ec = boost::asio::error::connection_reset;
      return 0;
    }
    output_ += piece;
    return piece.size();
  }

  void set_timeout(std::chrono::milliseconds limit) { timeout_ = limit; }
  void shutdown_write(error_code& ec) {
    ec = {};
    shut_ = true;
  }

 private:
  struct part {
    std::string bytes;
    std::chrono::milliseconds after;
  };
  std::deque<part> input_;
  std::string output_;
  std::chrono::milliseconds timeout_{std::chrono::hours{1}};
  std::size_t most_per_write_ = static_cast<std::size_t>(-1);
  std::size_t break_after_ = static_cast<std::size_t>(-1);
  bool silent_ = false;
  bool shut_ = false;
};

}  // namespace weft::tool::test
