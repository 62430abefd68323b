// One connection from its first byte to its last, as blocking code: wait, read a request, answer it, again.
#pragma once
#include <chrono>    // steady_clock, milliseconds
#include <cstddef>   // size_t
#include <cstdint>   // uint32_t
#include <ctime>     // time
#include <optional>  // optional
#include <string>    // string
#include <utility>   // move

#include <boost/asio/error.hpp>              // timed_out
#include <boost/beast/core/flat_buffer.hpp>  // flat_buffer
#include <boost/beast/http/read.hpp>         // read, read_header

#include "common/live_connections.hpp"  // live_connections::entry
#include "serve/access_log.hpp"         // access_log
#include "serve/beast_request.hpp"      // request_parser, take_request, method_of
#include "serve/limited_stream.hpp"     // limited_stream
#include "serve/linger.hpp"             // linger
#include "serve/reply_writer.hpp"       // reply_writer
#include "serve/respond.hpp"            // answer, render_head

namespace weft::tool {

struct limits {
  std::chrono::milliseconds idle{30'000};     // of one read or write, and between requests
  std::chrono::milliseconds request{30'000};  // from the first byte of a request to its last
  std::size_t header = 16U << 10;             // bytes of request line and fields
  std::size_t body = 64U << 10;               // bytes of a body that is read and thrown away
};

// What connections share.
struct site {
  const root_directory& root;
  lane& slow;
  access_log* log = nullptr;
  limits limit{};
};

// Stream: Asio's SyncReadStream and SyncWriteStream (the error_code forms) with set_timeout(milliseconds) and
// shutdown_write(error_code&). Clock: steady_clock, or a test's.
template <class Stream, class Clock = std::chrono::steady_clock>
class connection {
 public:
  connection(Stream& stream, const site& where, live_connections::entry& presence, std::string peer)
      : stream_(stream),
        site_(where),
        presence_(presence),
        peer_(std::move(peer)),
        input_(stream, where.limit.idle),
        buffer_(where.limit.header + read_ahead) {}

  // Returns when the connection is over; closing the socket is the caller's. May suspend.
  void serve() {
    while (await_request()) {
      if (!exchange()) {
        linger<Clock>(stream_);
        return;
      }
    }
  }

 private:
  using error_code = boost::beast::error_code;
  using http_error = boost::beast::http::error;
  static constexpr std::size_t read_ahead = 1024;   // of the next pipelined request, beyond a full header
  static constexpr std::size_t first_read = 512;    // most requests fit; an idle connection holds no more
  static constexpr std::size_t most_line_ends = 4;  // bytes of CR and LF forgiven before a request: two empty lines

  // True: at least one byte of a request is in the buffer. False: the client left, was idle too long, or we are stopping.
  // A line end is no byte of a request: whoever sends it and nothing else is idle.
  bool await_request() {
    std::size_t forgiven = most_line_ends;
    skip_line_ends(forgiven);
    if (buffer_.capacity() > first_read && buffer_.size() == 0) {
      buffer_.shrink_to_fit();
    }
    while (buffer_.size() == 0) {
      if (!presence_.enter_idle()) {
        return false;
      }
      error_code ec;
      stream_.set_timeout(site_.limit.idle);
      const std::size_t n = stream_.read_some(buffer_.prepare(first_read), ec);
      presence_.leave_idle();
      if (ec) {
        return false;
      }
      buffer_.commit(n);
      skip_line_ends(forgiven);
    }
    return true;
  }

  // RFC 9112 asks servers to forgive an empty line before a request; Beast's parser does not. Line ends beyond `left` stay
  // in the buffer, where the parser takes them for a bad request.
  void skip_line_ends(std::size_t& left) {
    const auto* const text = static_cast<const char*>(buffer_.data().data());
    std::size_t n = 0;
    while (n < left && n < buffer_.size() && (text[n] == '\r' || text[n] == '\n')) {
      ++n;
    }
    buffer_.consume(n);
    left -= n;
  }

  // One request and its reply. True: the connection goes on.
  bool exchange() {
    const auto start = Clock::now();
    request asked;
    std::optional<reply> what;
    {
      request_parser parser;  // its memory goes before the body is sent, which may take hours
      parser.header_limit(static_cast<std::uint32_t>(site_.limit.header));
      parser.body_limit(site_.limit.body);
      if (const auto problem = read_request(parser, start + site_.limit.request, asked)) {
        if (*problem == 0) {
          return false;
        }
        what = plain_reply(*problem, true);
        what->send_body = asked.method != request::verb::head;
      }
    }
    if (!what) {
      what = answer(site_.root, asked, site_.slow);
      if (asked.expects_continue || asked.faulty_framing) {
        what->close = true;  // its body was left unread: the one was not asked for, the end of the other is unknown
      }
    }
    const bool keep = asked.keep_alive && !what->close && !presence_.stopping();
    reply_writer<Stream> writer{stream_, site_.slow, site_.limit.idle};
    auto sent = writer.send(*what, render_head(*what, asked, keep, std::time(nullptr)));
    if (sent.error != 0) {
      what = failed_file(sent.error);
      sent = writer.send(*what, render_head(*what, asked, keep, std::time(nullptr)));
    }
    if (site_.log != nullptr) {
      site_.log->append({peer_, std::time(nullptr), asked.method_text, asked.target, asked.version, what->status,
                         sent.body_bytes, asked.referer, asked.user_agent,
                         std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start)});
    }
    return keep && sent.complete;
  }

  // Null: `asked` is filled and its body is out of the way. Else the status to answer with, 0 for none at all.
  std::optional<unsigned> read_request(request_parser& parser, typename Clock::time_point until, request& asked) {
    error_code ec;
    const std::size_t most = site_.limit.header;
    // Beast applies its header limit to what is left unparsed, so a header sent line by line never meets it; counting
    // the bytes read does.
    input_.begin(until, most, http_error::header_limit, buffer_.size());
    boost::beast::http::read_header(input_, buffer_, parser, ec);
    if (ec && ec != http_error::body_limit) {
      asked.method = method_of(parser.get());  // the request line may have been good: the reply to HEAD has no body
      return status_of(ec, parser);
    }
    asked = take_request(parser);
    if (ec) {
      return 413;
    }
    if (asked.unknown_coding || asked.faulty_framing || asked.expects_continue || parser.is_done()) {
      return std::nullopt;
    }
    input_.begin(until, most + 2 * site_.limit.body, http_error::body_limit, buffer_.size());
    boost::beast::http::read(input_, buffer_, parser, ec);
    if (ec) {
      return status_of(ec, parser);
    }
    return std::nullopt;
  }

  unsigned status_of(error_code ec, const request_parser& parser) const {
    if (ec == http_error::end_of_stream) {
      return 0;
    }
    if (ec == http_error::header_limit || ec == http_error::buffer_overflow) {
      return parser.get().target().empty() ? 414 : 431;  // the target is known once the request line is complete
    }
    if (ec == http_error::body_limit) {
      return 413;
    }
    if (ec == http_error::bad_version) {
      const auto data = buffer_.data();
      return names_a_version({static_cast<const char*>(data.data()), data.size()}) ? 505 : 400;
    }
    if (ec == boost::asio::error::timed_out) {
      return 408;
    }
    return ec.category() == make_error_code(http_error::bad_method).category() ? 400 : 0;
  }

  Stream& stream_;
  const site& site_;
  live_connections::entry& presence_;
  std::string peer_;
  limited_stream<Stream, Clock> input_;
  boost::beast::flat_buffer buffer_;
};

}  // namespace weft::tool
