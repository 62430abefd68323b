// Reads one response and keeps what a load run checks: status, length, hash. Beast parses; nothing is stored, so reading a
// response allocates nothing.
#pragma once
#include <cstddef>  // size_t
#include <cstdint>  // uint64_t
#include <limits>   // numeric_limits

#include <boost/beast/core/error.hpp>         // error_code
#include <boost/beast/core/string.hpp>        // string_view
#include <boost/beast/http/basic_parser.hpp>  // basic_parser
#include <boost/optional.hpp>                 // optional

#include "load/body_hash.hpp"  // body_hash

namespace weft::tool {

class response_reader final : public boost::beast::http::basic_parser<false> {
  using base = boost::beast::http::basic_parser<false>;
  using error_code = boost::beast::error_code;
  using text = boost::beast::string_view;

 public:
  response_reader() {
    // Not boost::none: Beast 1.74 then refuses a body whose header ended exactly where a read did.
    body_limit(std::numeric_limits<std::uint64_t>::max());
    eager(true);
  }
  int status() const noexcept { return status_; }
  const body_hash& body() const noexcept { return body_; }

 private:
  void on_request_impl(boost::beast::http::verb, text, text, int, error_code& ec) override { ec = {}; }
  void on_response_impl(int code, text, int, error_code& ec) override {
    status_ = code;
    ec = {};
  }
  void on_field_impl(boost::beast::http::field, text, text, error_code& ec) override { ec = {}; }
  void on_header_impl(error_code& ec) override { ec = {}; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code& ec) override { ec = {}; }
  std::size_t on_body_impl(text bytes, error_code& ec) override {
    body_.add({bytes.data(), bytes.size()});
    ec = {};
    return bytes.size();
  }
  void on_chunk_header_impl(std::uint64_t, text, error_code& ec) override { ec = {}; }
  std::size_t on_chunk_body_impl(std::uint64_t, text bytes, error_code& ec) override { return on_body_impl(bytes, ec); }
  void on_finish_impl(error_code& ec) override { ec = {}; }

  int status_ = 0;
  body_hash body_;
};

}  // namespace weft::tool
