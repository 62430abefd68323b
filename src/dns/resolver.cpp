// What needs no name server is answered here; the rest is a lookup.
#include <weft/dns/resolver.hpp>

#include <charconv>  // from_chars
#include <cstddef>   // ptrdiff_t
#include <limits>    // numeric_limits
#include <utility>   // move

#include <ares.h>  // ARES_E*

#include "dns/lookup.hpp"
#include <weft/sched/this_fiber.hpp>  // check_stop
#include <weft/sync/semaphore.hpp>    // counting_semaphore

namespace weft::inline v0::dns {
namespace {

[[noreturn]] void refuse(const char* what) {
  throw std::system_error(std::make_error_code(std::errc::invalid_argument), what);
}

void check(const resolver_options& options) {
  for (const auto& server : options.servers) {
    if (!server.is_ip()) {
      refuse("dns::resolver: a server is an IP address with a port");
    }
  }
  constexpr auto longest = std::chrono::milliseconds{std::numeric_limits<int>::max()};
  if (options.timeout && (*options.timeout < std::chrono::milliseconds{1} || *options.timeout > longest)) {
    refuse("dns::resolver: a timeout is from 1 ms to 24 days");
  }
  if ((options.tries && *options.tries < 1) || (options.ndots && *options.ndots < 0) || options.max_concurrent < 1) {
    refuse("dns::resolver: tries and max_concurrent are at least 1, ndots at least 0");
  }
}

bool is_number(std::string_view text) noexcept {
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Of a number; no digits at all are 0, as to getaddrinfo. Nullopt: too large.
std::optional<std::uint16_t> port_of(std::string_view text) noexcept {
  std::uint16_t port = 0;
  if (!text.empty() && std::from_chars(text.data(), text.data() + text.size(), port).ec != std::errc{}) {
    return std::nullopt;
  }
  return port;
}

// Also one with a scope, which c-ares does not know.
std::optional<net::endpoint> numeric(std::string_view host) {
  std::error_code error;
  const bool v6 = host.find(':') != std::string_view::npos;
  const auto at = net::endpoint::parse((v6 ? "[" + std::string(host) + "]" : std::string(host)) + ":0", error);
  if (error || !at.is_ip()) {
    return std::nullopt;
  }
  return at;
}

// Gives a permit back.
struct permit {
  counting_semaphore<>& room;
  ~permit() { room.release(); }
};

}  // namespace

struct resolver::state {
  explicit state(resolver_options given)
      : options(std::move(given)), room(static_cast<std::ptrdiff_t>(options.max_concurrent)) {}

  std::vector<net::endpoint> look_up(const std::string& host, const std::string& service, std::error_code& error) {
    room.acquire();
    const permit returned{room};
    return lookup(options).run(host, service, error);
  }

  const resolver_options options;
  counting_semaphore<> room;
};

resolver::resolver(resolver_options options) {
  check(options);
  state_ = std::make_unique<state>(std::move(options));
}

resolver::~resolver() = default;

std::vector<net::endpoint> resolver::resolve(std::string_view host, std::string_view service, std::error_code& error) {
  this_fiber::check_stop();
  error.clear();
  constexpr char zero = '\0';  // ends a name for c-ares, so it would look up less than was asked for
  if (host.empty() || host.find(zero) != std::string_view::npos || service.find(zero) != std::string_view::npos) {
    error = std::error_code(ARES_ENOTFOUND, error_category());
    return {};
  }
  const bool port_given = is_number(service);
  const auto port = port_given ? port_of(service) : std::uint16_t{0};
  if (!port) {
    error = std::error_code(ARES_ESERVICE, error_category());
    return {};
  }
  try {
    const auto address = numeric(host);
    if (address && port_given) {
      return {address->with_port(*port)};
    }
    // For an address the service alone is looked up: which host it is asked with makes no difference.
    const std::string name(address ? "127.0.0.1" : host);
    auto found = state_->look_up(name, port_given ? std::string() : std::string(service), error);
    if (address && !error) {
      return {address->with_port(found.front().port())};
    }
    for (auto& at : found) {
      at = port_given ? at.with_port(*port) : at;
    }
    return found;
  } catch (const std::system_error& e) {  // the pool has no thread
    error = e.code();
    return {};
  }
}

std::vector<net::endpoint> resolver::resolve(std::string_view host, std::string_view service) {
  std::error_code error;
  auto found = resolve(host, service, error);
  if (error) {
    throw std::system_error(error, "dns: " + std::string(host) + ":" + std::string(service));
  }
  return found;
}

}  // namespace weft::inline v0::dns
