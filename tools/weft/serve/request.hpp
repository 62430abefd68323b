// A request, as far as a file server cares: copied out of the parser once the header is complete, so that trailers of a
// body cannot change it afterwards.
#pragma once
#include <string>  // string

namespace weft::tool {

struct request {
  enum class verb { get, head, other, unknown };  // other: known to HTTP, not to us
  verb method = verb::get;
  std::string method_text;  // for the log
  std::string target;
  unsigned version = 11;  // 10 or 11
  unsigned hosts = 0;     // Host fields seen
  bool keep_alive = true;
  bool unknown_coding = false;    // a Transfer-Encoding other than chunked
  bool faulty_framing = false;    // HTTP/1.0 with a Transfer-Encoding: nobody can say where the body ends
  bool expects_continue = false;  // Expect: 100-continue
  bool expects_other = false;     // any other Expect
  std::string range, if_range, if_match, if_none_match, if_modified_since, if_unmodified_since;
  std::string referer, user_agent;
};

}  // namespace weft::tool
