// One connection of a load run: sends a batch of requests, reads the responses in order, checks and times each.
#pragma once
#include <chrono>   // nanoseconds, duration_cast
#include <cstddef>  // size_t
#include <cstdint>  // uint64_t
#include <string>   // string

#include <boost/asio/buffer.hpp>             // buffer
#include <boost/asio/error.hpp>              // timed_out, connection_reset
#include <boost/beast/core/flat_buffer.hpp>  // flat_buffer
#include <boost/beast/http/error.hpp>        // error
#include <boost/beast/http/read.hpp>         // read

#include "load/response_reader.hpp"  // response_reader
#include "load/results.hpp"          // results, load_error

namespace weft::tool {

// What every response has to look like: as the first one did.
struct expectation {
  std::uint64_t length = 0;
  std::uint64_t hash = 0;
};

// Stream: Asio's SyncReadStream and SyncWriteStream, error_code forms. Clock: steady.
template <class Stream, class Clock>
class load_client {
  using error_code = boost::beast::error_code;

 public:
  struct outcome {
    load_error error = load_error::none;  // of the connection; a bad status, length or content does not end it
    bool keep = true;                     // the server will take another request
  };

  load_client(Stream& stream, const expectation& expected, results& to)
      : stream_(stream), expected_(expected), results_(to) {
    buffer_.reserve(small_bytes);
  }

  // `batch` is the text of `n` requests. Latency is counted from before the batch was sent. May suspend.
  outcome exchange(const std::string& batch, unsigned n) {
    const auto start = Clock::now();
    if (const auto error = send(batch); error != load_error::none) {
      return {error, false};
    }
    for (unsigned i = 0; i < n; ++i) {
      response_reader reader;
      if (const auto error = receive(reader); error != load_error::none) {
        return {error, false};
      }
      judge(reader, Clock::now() - start);
      if (!reader.keep_alive()) {
        return {i + 1 < n ? load_error::closed : load_error::none, false};
      }
    }
    return {};
  }

  // One response, unjudged; for the request that finds out what to expect.
  load_error receive(response_reader& reader) {
    if (expected_.length > small_bytes && buffer_.capacity() < large_bytes) {
      buffer_.reserve(large_bytes);  // fewer reads for large bodies; most runs ask for small ones from many connections
    }
    error_code ec;
    boost::beast::http::read(stream_, buffer_, reader, ec);
    return ec ? kind_of(ec) : load_error::none;
  }

  load_error send(const std::string& text) {
    std::size_t done = 0;
    while (done < text.size()) {
      error_code ec;
      done += stream_.write_some(boost::asio::buffer(text.data() + done, text.size() - done), ec);
      if (ec) {
        return kind_of(ec);
      }
    }
    return load_error::none;
  }

 private:
  static constexpr std::size_t small_bytes = 2U << 10;
  static constexpr std::size_t large_bytes = 64U << 10;

  void judge(const response_reader& reader, typename Clock::duration took) {
    if (reader.status() != 200) {
      results_.failure(load_error::status);
    } else if (reader.body().length() != expected_.length) {
      results_.failure(load_error::length);
    } else if (reader.body().value() != expected_.hash) {
      results_.failure(load_error::content);
    } else {
      const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(took).count();
      results_.response(ns < 0 ? 0 : static_cast<std::uint64_t>(ns), reader.body().length());
    }
  }

  static load_error kind_of(const error_code& ec) {
    namespace error = boost::asio::error;
    using boost::beast::http::error::end_of_stream;
    using boost::beast::http::error::partial_message;
    if (ec == error::timed_out) {
      return load_error::timed_out;
    }
    if (ec == end_of_stream || ec == partial_message || ec == error::eof) {
      return load_error::closed;
    }
    if (ec == error::connection_reset || ec == error::broken_pipe || ec == error::connection_aborted) {
      return load_error::reset;
    }
    const auto& http = make_error_code(end_of_stream).category();
    return ec.category() == http ? load_error::bad_response : load_error::other;
  }

  Stream& stream_;
  const expectation& expected_;
  results& results_;
  boost::beast::flat_buffer buffer_;
};

}  // namespace weft::tool
