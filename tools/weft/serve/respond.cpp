// The decisions of the server in the order HTTP gives them: method, target, file, conditions, range.
#include "serve/respond.hpp"

#include <sys/stat.h>  // S_ISREG, S_ISDIR

#include <cerrno>   // error numbers
#include <new>      // bad_alloc
#include <utility>  // move

#include "serve/conditional.hpp"   // validators, evaluate
#include "serve/content_type.hpp"  // content_type
#include "serve/http_date.hpp"     // http_date
#include "serve/listing.hpp"       // render_listing
#include "serve/path_guard.hpp"    // parse_target, encode_path
#include "serve/range.hpp"         // parse_range

namespace weft::tool {
namespace {

constexpr std::string_view html = "text/html; charset=utf-8";

void add(reply& to, std::string_view name, std::string_view value) {
  to.fields.append(name).append(": ").append(value).append("\r\n");
}

reply text_reply(unsigned status, std::string_view type, std::string text) {
  reply out;
  out.status = status;
  out.length = text.size();
  out.text = std::move(text);
  add(out, "Content-Type", type);
  return out;
}

// Why an open or a read failed, to the client. A link that leads out (EXDEV) or in circles (ELOOP) looks like an absent file:
// what lies outside the folder is nobody's business.
unsigned status_of(int error) noexcept {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case EXDEV:
    case ELOOP:
    case ENAMETOOLONG:
    case ENXIO:
    case ENODEV:
      return 404;
    case EACCES:
    case EPERM:
      return 403;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
      return 503;
    default:
      return 500;
  }
}

reply method_reply(const request& asked) {
  if (asked.method == request::verb::unknown) {
    return plain_reply(501);
  }
  reply out = plain_reply(405);
  add(out, "Allow", "GET, HEAD");
  return out;
}

reply file_reply(opened_file file, std::string_view path, const request& asked) {
  const validators current = make_validators(file.st);
  const auto size = static_cast<std::uint64_t>(file.st.st_size);
  const conditions asked_for{asked.if_match, asked.if_none_match, asked.if_modified_since, asked.if_unmodified_since};
  reply out;
  switch (evaluate(asked_for, current)) {
    case verdict::precondition_failed:
      return plain_reply(412);
    case verdict::not_modified:
      out.status = 304;
      out.has_length = false;
      out.send_body = false;
      add(out, "ETag", current.etag);
      add(out, "Last-Modified", http_date(current.modified));
      return out;
    case verdict::proceed:
      break;
  }
  byte_range range;
  // Only GET gives Range a meaning (RFC 9110, 14.2).
  if (asked.method == request::verb::get && !asked.range.empty() && range_allowed(asked.if_range, current)) {
    range = parse_range(asked.range, size);
  }
  if (range.what == byte_range::kind::unsatisfiable) {
    out = plain_reply(416);
    add(out, "Content-Range", "bytes */" + std::to_string(size));
    return out;
  }
  out.length = size;
  if (range.what == byte_range::kind::part) {
    out.status = 206;
    out.offset = range.offset;
    out.length = range.length;
    add(out, "Content-Range",
        "bytes " + std::to_string(range.offset) + "-" + std::to_string(range.offset + range.length - 1) + "/" +
            std::to_string(size));
  }
  add(out, "Content-Type", content_type(path));
  add(out, "ETag", current.etag);
  add(out, "Last-Modified", http_date(current.modified));
  add(out, "Accept-Ranges", "bytes");
  out.file = std::move(file.fd);
  return out;
}

reply listing_reply(descriptor folder, std::string_view relative, lane& slow) {
  std::string page;
  int error = 0;
  const int not_run = slow.run([&]() noexcept {
    try {
      error = render_listing(std::move(folder), relative, page);
    } catch (const std::bad_alloc&) {
      error = ENOMEM;
    }
  });
  if (not_run != 0 || error != 0) {
    return failed_file(not_run != 0 ? not_run : error);
  }
  reply out = text_reply(200, html, std::move(page));
  add(out, "Cache-Control", "no-cache");
  add(out, "Content-Security-Policy", "default-src 'none'");
  return out;
}

reply folder_reply(const root_directory& root, opened_file folder, const request_path& path, const request& asked,
                   lane& slow) {
  if (!path.trailing_slash && !path.relative.empty()) {
    // Relative links of the page must resolve inside the folder. Built from the decoded path, so that it always starts
    // with exactly one slash: "//host" would send the client to another server.
    reply out =
        text_reply(301, html, "<!DOCTYPE html>\n<title>Moved</title>The folder is at the same address with a slash.\n");
    add(out, "Location", encode_path(path.relative) + "/" + path.query);
    return out;
  }
  const std::string index = path.relative.empty() ? "index.html" : path.relative + "/index.html";
  opened_file page = root.open(index, slow);
  if (page.error == 0 && S_ISREG(page.st.st_mode)) {
    return file_reply(std::move(page), index, asked);
  }
  if (page.error != 0 && status_of(page.error) != 404) {
    return failed_file(page.error);
  }
  return listing_reply(std::move(folder.fd), path.relative, slow);
}

reply target_reply(const root_directory& root, const request& asked, lane& slow) {
  const auto path = parse_target(asked.target);
  if (!path) {
    return plain_reply(400);
  }
  opened_file file = root.open(path->relative, slow);
  if (file.error != 0) {
    return failed_file(file.error);
  }
  if (S_ISDIR(file.st.st_mode)) {
    return folder_reply(root, std::move(file), *path, asked, slow);
  }
  if (!S_ISREG(file.st.st_mode) || path->trailing_slash) {
    return plain_reply(404);
  }
  return file_reply(std::move(file), path->relative, asked);
}

}  // namespace

reply answer(const root_directory& root, const request& asked, lane& slow) {
  reply out;
  if (asked.unknown_coding) {
    out = plain_reply(501, true);  // where its body ends is unknown, so nothing after it can be trusted
  } else if (asked.hosts > 1 || (asked.version >= 11 && asked.hosts == 0)) {
    out = plain_reply(400, true);
  } else if (asked.expects_other) {
    out = plain_reply(417);
  } else if (asked.method != request::verb::get && asked.method != request::verb::head) {
    out = method_reply(asked);
  } else {
    out = target_reply(root, asked, slow);
  }
  if (asked.method == request::verb::head) {
    out.send_body = false;
  }
  return out;
}

reply failed_file(int error) {
  reply out = plain_reply(status_of(error));
  if (out.status == 503) {
    add(out, "Retry-After", "1");
  }
  return out;
}

reply plain_reply(unsigned status, bool close) {
  std::string text = std::to_string(status);
  text.append(" ").append(reason_phrase(status)).append("\n");
  reply out = text_reply(status, "text/plain; charset=utf-8", std::move(text));
  out.close = close;
  return out;
}

std::string render_head(const reply& what, const request& asked, bool keep_alive, std::time_t now) {
  std::string out;
  out.reserve(384);
  out.append("HTTP/1.1 ").append(std::to_string(what.status)).append(" ").append(reason_phrase(what.status));
  out.append("\r\nServer: weft\r\nDate: ").append(http_date(now)).append("\r\n");
  out.append(what.fields);
  out.append("X-Content-Type-Options: nosniff\r\n");
  if (what.has_length) {
    out.append("Content-Length: ").append(std::to_string(what.length)).append("\r\n");
  }
  if (!keep_alive) {
    out.append("Connection: close\r\n");
  } else if (asked.version == 10) {
    out.append("Connection: keep-alive\r\n");  // an HTTP/1.0 client asked and needs to be told
  }
  out.append("\r\n");
  return out;
}

std::string_view reason_phrase(unsigned status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

}  // namespace weft::tool
