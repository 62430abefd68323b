// What the server takes from Boost.Beast: its request parser, a body that is counted and thrown away, and the mapping of
// its fields and errors to ours.
#pragma once
#include <algorithm>    // count, min
#include <cstddef>      // size_t
#include <cstdint>      // uint64_t
#include <string>       // string
#include <string_view>  // string_view

#include <boost/beast/core/buffer_traits.hpp>  // buffer_bytes
#include <boost/beast/http/error.hpp>          // error
#include <boost/beast/http/fields.hpp>         // fields
#include <boost/beast/http/parser.hpp>         // request_parser
#include <boost/beast/core/string.hpp>         // iequals
#include <boost/optional.hpp>                  // optional

#include "serve/request.hpp"  // request

namespace weft::tool {

// A body nobody wants: it has to be read to find the next request, not kept.
struct discarded_body {
  struct value_type {};
  class reader {
   public:
    template <bool IsRequest, class Fields>
    reader(boost::beast::http::header<IsRequest, Fields>&, value_type&) {}
    void init(const boost::optional<std::uint64_t>&, boost::beast::error_code& ec) { ec = {}; }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, boost::beast::error_code& ec) {
      ec = {};
      return boost::beast::buffer_bytes(buffers);
    }
    void finish(boost::beast::error_code& ec) { ec = {}; }
  };
};

using request_parser = boost::beast::http::request_parser<discarded_body>;

// The values of all fields of that name, joined as one list.
inline std::string joined(const boost::beast::http::fields& from, boost::beast::http::field name) {
  std::string out;
  const auto [first, last] = from.equal_range(name);
  for (auto it = first; it != last; ++it) {
    if (!out.empty()) {
      out += ", ";
    }
    out.append(it->value().data(), it->value().size());
  }
  return out;
}

// Is `option` an element of the comma-separated list, in whatever case?
inline bool has_option(std::string_view list, std::string_view option) noexcept {
  constexpr std::string_view blank = " \t";
  while (!list.empty()) {
    auto one = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), one.size() + 1));
    one.remove_prefix(std::min(one.size(), one.find_first_not_of(blank)));
    one.remove_suffix(one.size() - (one.find_last_not_of(blank) + 1));
    if (boost::beast::iequals({one.data(), one.size()}, {option.data(), option.size()})) {
      return true;
    }
  }
  return false;
}

// May the connection go on after this request? Beast's keep_alive() of a message looks at the first Connection field
// alone, that of its parser lets an HTTP/1.0 client say close and keep-alive at once; close has to win (RFC 9112, 9.3).
inline bool wants_to_stay(const boost::beast::http::fields& from, unsigned version) {
  const std::string options = joined(from, boost::beast::http::field::connection);
  return !has_option(options, "close") && (version >= 11 || has_option(options, "keep-alive"));
}

inline void take_expectation(const boost::beast::http::fields& from, request& out) {
  const std::string expect = joined(from, boost::beast::http::field::expect);
  if (!expect.empty()) {
    out.expects_continue = boost::beast::iequals(expect, "100-continue");
    out.expects_other = !out.expects_continue;
  }
}

inline request::verb method_of(const boost::beast::http::header<true>& message) {
  namespace http = boost::beast::http;
  switch (message.method()) {
    case http::verb::get:
      return request::verb::get;
    case http::verb::head:
      return request::verb::head;
    case http::verb::unknown:
      return request::verb::unknown;
    default:
      return request::verb::other;
  }
}

// \pre the header is complete.
inline request take_request(const request_parser& parser) {
  namespace http = boost::beast::http;
  const auto& message = parser.get();
  request out;
  out.method = method_of(message);
  out.method_text = std::string{message.method_string()};
  out.target = std::string{message.target()};
  out.version = message.version();
  out.hosts = static_cast<unsigned>(message.count(http::field::host));
  out.keep_alive = wants_to_stay(message, message.version());
  // Beast reads a body only when "chunked" is the last coding; any other coding would hide where the body ends.
  if (message.count(http::field::transfer_encoding) != 0) {
    out.unknown_coding = !boost::beast::iequals(joined(message, http::field::transfer_encoding), "chunked");
    out.faulty_framing = out.version < 11;
  }
  take_expectation(message, out);
  out.range = joined(message, http::field::range);
  out.if_range = joined(message, http::field::if_range);
  out.if_match = joined(message, http::field::if_match);
  out.if_none_match = joined(message, http::field::if_none_match);
  out.if_modified_since = joined(message, http::field::if_modified_since);
  out.if_unmodified_since = joined(message, http::field::if_unmodified_since);
  out.referer = joined(message, http::field::referer);
  out.user_agent = joined(message, http::field::user_agent);
  return out;
}

// Does the line at the front of `text` end as a request line of some HTTP version does? Beast has one error for a version
// it does not speak (505) and for a line that is no request line (400).
inline bool names_a_version(std::string_view text) noexcept {
  const auto line = text.substr(0, text.find("\r\n"));
  constexpr std::string_view sample = " HTTP/1.1";
  if (line.size() < sample.size() || std::count(line.begin(), line.end(), ' ') != 2) {
    return false;
  }
  const auto end = line.substr(line.size() - sample.size());
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return end.starts_with(" HTTP/") && digit(end[6]) && end[7] == '.' && digit(end[8]);
}

}  // namespace weft::tool
