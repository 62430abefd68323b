// Reading a target, and connecting to it.
#include "proxy/target.hpp"

#include <vector>  // vector

#include <weft/net/resolve.hpp>    // resolve
#include <weft/task/deadline.hpp>  // with_deadline

#include "common/failure.hpp"  // failure

namespace weft::tool {
namespace {

any_stream connect_to(const net::endpoint& at, std::chrono::steady_clock::time_point deadline, std::error_code& error) {
  if (at.is_unix()) {
    return any_stream{net::unix_stream::connect_until(at, deadline, error)};
  }
  return any_stream{net::tcp_stream::connect_until(at, deadline, error)};
}

}  // namespace

target::target(const std::string& text) : name_(text) {
  std::error_code error;
  at_ = net::endpoint::parse(text, error);
  if (!error && (at_.is_unix() || (at_.is_ip() && at_.port() != 0))) {
    return;
  }
  const auto colon = text.rfind(':');
  if (!error || colon == std::string::npos || colon == 0 || colon + 1 == text.size() ||
      text.find_first_of(":[]/ ") != colon) {
    throw failure{"'" + text + "' is not a target; give an address or a name with a port, or a path, such as " +
                  "127.0.0.1:5432, db.example:5432 or unix:/run/my.sock"};
  }
  host_ = text.substr(0, colon);
  service_ = text.substr(colon + 1);
}

any_stream target::connect(std::chrono::steady_clock::time_point deadline, std::error_code& error) const {
  if (host_.empty()) {
    return connect_to(at_, deadline, error);
  }
  std::vector<net::endpoint> found;
  try {
    found = weft::with_deadline(deadline, [&] { return net::resolve(host_, service_, error); });
  } catch (const weft::timed_out&) {
    error = std::make_error_code(std::errc::timed_out);
  }
  for (const auto& at : found) {
    auto stream = connect_to(at, deadline, error);
    if (!error) {
      return stream;
    }
  }
  return {};  // resolve() fails rather than find nothing
}

}  // namespace weft::tool
