// From a request to a reply: the whole policy of the server, without a socket in sight.
#pragma once
#include <cstdint>      // uint64_t
#include <ctime>        // time_t
#include <string>       // string
#include <string_view>  // string_view

#include "common/descriptor.hpp"     // descriptor
#include "serve/lane.hpp"            // lane
#include "serve/request.hpp"         // request
#include "serve/root_directory.hpp"  // root_directory

namespace weft::tool {

struct reply {
  unsigned status = 200;
  std::string fields;  // header lines, each with CRLF; without Date, Server, Connection and Content-Length
  std::string text;    // body, when there is no file
  descriptor file;     // body, from offset
  std::uint64_t offset = 0;
  std::uint64_t length = 0;  // Content-Length: of the text or of the piece of the file
  bool has_length = true;    // false: 304 says nothing about a body
  bool send_body = true;     // false: HEAD, 304
  bool close = false;        // the connection ends after this reply
};

// What a request is answered with. May suspend in `slow`. Never throws but std::bad_alloc.
reply answer(const root_directory& root, const request& asked, lane& slow);

// The reply when a file or folder could not be opened or read; `error` is an errno.
reply failed_file(int error);

// A reply with a short text body.
reply plain_reply(unsigned status, bool close = false);

// Status line and all header fields, with the empty line at the end. `keep_alive` is what the connection will do.
std::string render_head(const reply& what, const request& asked, bool keep_alive, std::time_t now);

std::string_view reason_phrase(unsigned status) noexcept;

}  // namespace weft::tool
