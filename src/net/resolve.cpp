// Name look-up by getaddrinfo, or by what has been hooked in.
#include <weft/net/resolve.hpp>

#include <cerrno>  // errno
#include <memory>  // unique_ptr
#include <string>  // string

#include <netdb.h>       // getaddrinfo
#include <sys/socket.h>  // SOCK_STREAM

#include <weft/base/atomic.hpp>  // atomic
#include <weft/io/blocking.hpp>
#include <weft/net/resolve_hook.hpp>
#include <weft/sched/this_fiber.hpp>  // check_stop

namespace weft::inline v0::net {
namespace {

// Constant-initialized: a library's initializer may install itself before anything here has run.
constinit detail::atomic<resolve_function> hook{nullptr};

struct free_list {
  void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};

// Runs on a pool thread: errno is read there, on the line after the call.
std::vector<endpoint> look_up(const std::string& host, const std::string& service, std::error_code& error) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &list);
  if (failed != 0) {
    error = failed == EAI_SYSTEM ? std::error_code(errno, std::system_category())
                                 : std::error_code(failed, resolve_category());
    return {};
  }
  const std::unique_ptr<addrinfo, free_list> owner(list);
  std::vector<endpoint> found;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    found.push_back(endpoint::from_sockaddr(entry->ai_addr, entry->ai_addrlen));
  }
  return found;
}

}  // namespace

resolve_function set_resolve_function(resolve_function function) noexcept {
  return hook.exchange(function, detail::memory_order_acq_rel);  // pairs with the load below, and with itself
}

resolve_function current_resolve_function() noexcept {
  return hook.load(detail::memory_order_acquire);  // pairs with set_resolve_function
}

std::vector<endpoint> resolve(std::string_view host, std::string_view service, std::error_code& error) {
  constexpr char zero = '\0';  // ends a name for the system, so it would look up less than was asked for
  if (host.find(zero) != std::string_view::npos || service.find(zero) != std::string_view::npos) {
    this_fiber::check_stop();
    error = std::error_code(EAI_NONAME, resolve_category());
    return {};
  }
  error.clear();
  if (const auto other = current_resolve_function()) {
    return other(host, service, error);
  }
  return blocking(
      [&, host = std::string(host), service = std::string(service)] { return look_up(host, service, error); });
}

std::vector<endpoint> resolve(std::string_view host, std::string_view service) {
  std::error_code error;
  auto found = resolve(host, service, error);
  if (error) {
    throw std::system_error(error, "resolve " + std::string(host) + ":" + std::string(service));
  }
  return found;
}

}  // namespace weft::inline v0::net
