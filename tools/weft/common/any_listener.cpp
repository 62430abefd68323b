// Binding with explanations, and the file that a Unix socket leaves behind.
#include "common/any_listener.hpp"

#include <sys/stat.h>  // lstat
#include <unistd.h>    // unlink

#include <string_view>  // string_view

#include "common/failure.hpp"  // failure

namespace weft::tool {
namespace {

constexpr std::string_view unix_prefix = "unix:";

void throw_if(const std::error_code& error, const std::string& where, bool is_unix) {
  if (!error) {
    return;
  }
  if (error == std::errc::address_in_use) {
    throw failure{where + (is_unix ? " exists; remove it if nobody listens there any more, or choose another path"
                                   : " is in use; stop the other server, or choose another port")};
  }
  if (error == std::errc::permission_denied) {
    throw failure{"no permission to listen on " + where +
                  (is_unix ? "; choose a folder you may write to" : "; choose a port above 1023")};
  }
  if (error == std::errc::address_not_available) {
    throw failure{"this machine has no address " + where + "; try 127.0.0.1 or 0.0.0.0"};
  }
  throw failure{"cannot listen on " + where + ": " + error.message()};
}

}  // namespace

any_listener::any_listener(const std::string& where) {
  std::error_code error;
  const auto at = net::endpoint::parse(where, error);
  if (error || (!at.is_ip() && !at.is_unix())) {
    throw failure{"'" + where + "' is not a place to listen; give an address with a port or a path, such as " +
                  "127.0.0.1:7000, [::1]:0 or unix:/run/my.sock"};
  }
  if (at.is_unix()) {
    auto& socket = socket_.emplace<net::unix_listener>(net::unix_listener::bind(at, error));
    throw_if(error, where, true);
    name_ = socket.local_endpoint().to_string();
    file_ = file_of(at);
  } else {
    auto& socket = socket_.emplace<net::tcp_listener>(net::tcp_listener::bind(at, error));
    throw_if(error, where, false);
    name_ = socket.local_endpoint().to_string();
  }
}

any_listener::~any_listener() {
  close();
  struct stat now {};
  // If it cannot be removed it stays, and whoever listens there next is told to remove it.
  if (!file_.path.empty() && ::lstat(file_.path.c_str(), &now) == 0 && now.st_dev == file_.device &&
      now.st_ino == file_.inode) {
    static_cast<void>(::unlink(file_.path.c_str()));
  }
}

any_listener::file any_listener::file_of(const net::endpoint& at) {
  const std::string text = at.to_string();
  file made{text.substr(unix_prefix.size())};
  struct stat now {};
  if (made.path.starts_with('@') || ::lstat(made.path.c_str(), &now) != 0) {
    return {};  // abstract, or removed already by somebody else
  }
  made.device = now.st_dev;
  made.inode = now.st_ino;
  return made;
}

any_stream any_listener::accept(std::error_code& error) {
  return std::visit([&](auto& socket) { return any_stream{socket.accept(error)}; }, socket_);
}

void any_listener::close() noexcept {
  std::error_code ignored;  // a listener that is closed already is what is wanted
  std::visit([&](auto& socket) { socket.close(ignored); }, socket_);
}

}  // namespace weft::tool
