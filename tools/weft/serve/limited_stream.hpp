// A stream with the limits of one request: no single read waits longer than the idle limit, all reads together end by a
// deadline, and only so many bytes are read. This is what stands between Beast's read loop and a client that sends one
// byte a second or a header without end.
#pragma once
#include <chrono>   // milliseconds, duration_cast
#include <cstddef>  // size_t

#include <boost/asio/error.hpp>        // timed_out
#include <boost/beast/core/error.hpp>  // error_code, system_error

namespace weft::tool {

// Stream: Asio's SyncReadStream with set_timeout(milliseconds) for the operations that follow.
template <class Stream, class Clock>
class limited_stream {
 public:
  limited_stream(Stream& next, std::chrono::milliseconds idle) : next_(next), idle_(idle) {}

  // Starts a phase: `most` bytes may be read until `until`; reading more gives `excess`. `ahead`: bytes of the phase that
  // have been read before.
  void begin(typename Clock::time_point until, std::size_t most, boost::beast::error_code excess, std::size_t ahead) {
    until_ = until;
    excess_ = excess;
    left_ = most > ahead ? most - ahead : 0;
  }

  template <class Buffers>
  std::size_t read_some(const Buffers& buffers, boost::beast::error_code& ec) {
    using std::chrono::milliseconds;
    if (left_ == 0) {
      ec = excess_;
      return 0;
    }
    const auto now = Clock::now();
    if (now >= until_) {
      ec = boost::asio::error::timed_out;
      return 0;
    }
    const auto rest = std::chrono::ceil<milliseconds>(until_ - now);
    next_.set_timeout(rest < idle_ ? rest : idle_);
    const std::size_t n = next_.read_some(buffers, ec);
    left_ = n < left_ ? left_ - n : 0;
    return n;
  }
  template <class Buffers>
  std::size_t read_some(const Buffers& buffers) {  // the throwing half of the concept
    boost::beast::error_code ec;
    const std::size_t n = read_some(buffers, ec);
    if (ec) {
      throw boost::beast::system_error{ec};
    }
    return n;
  }

 private:
  Stream& next_;
  std::chrono::milliseconds idle_;
  typename Clock::time_point until_{};
  boost::beast::error_code excess_;
  std::size_t left_ = 0;
};

}  // namespace weft::tool
