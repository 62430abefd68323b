// The last moments of a connection that the server ends.
#pragma once
#include <array>    // array
#include <chrono>   // seconds
#include <cstddef>  // size_t

#include <boost/asio/buffer.hpp>       // buffer
#include <boost/asio/error.hpp>        // no_buffer_space
#include <boost/beast/core/error.hpp>  // error_code

#include "serve/limited_stream.hpp"  // limited_stream

namespace weft::tool {

// Closing a socket with unread input makes the kernel send a reset, which can overtake the reply just written. So: no
// more output, then read until the client has closed too, for a moment and an amount that no client can stretch.
template <class Clock, class Stream>
void linger(Stream& stream) {
  constexpr std::chrono::seconds moment{1};
  constexpr std::size_t most = 256U << 10;
  const auto until = Clock::now() + moment;
  boost::beast::error_code ec;
  stream.set_timeout(moment);
  stream.shutdown_write(ec);
  limited_stream<Stream, Clock> input{stream, moment};
  input.begin(until, most, boost::asio::error::no_buffer_space, 0);
  std::array<std::byte, 512> thrown_away;
  while (!ec) {
    static_cast<void>(input.read_some(boost::asio::buffer(thrown_away), ec));
  }
}

}  // namespace weft::tool
