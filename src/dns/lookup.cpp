// Starting, driving and ending a c-ares channel. No call into c-ares suspends, and each returns before the next is made.
#include "dns/lookup.hpp"

#include <algorithm>  // max
#include <cstring>    // memcpy

#include <netinet/in.h>  // sockaddr_in, sockaddr_in6
#include <sys/socket.h>  // AF_INET

#include <weft/dns/error.hpp>         // error_category
#include <weft/io/blocking.hpp>       // blocking
#include <weft/net/wait.hpp>          // wait_readable_for
#include <weft/sched/this_fiber.hpp>  // stack_remaining

namespace weft::inline v0::dns {
namespace {

// c-ares puts a datagram of 4 KiB on the stack, and what it calls from there takes as much again.
constexpr std::size_t stack_needed_bytes = std::size_t{24} << 10;
// As many events are dealt with before others get a chance.
constexpr int events_in_a_row = 16;

// c-ares' own set-up, which is not thread-safe. Never undone: channels may exist until the process ends.
int initialize_library() noexcept {
  static const int status = ::ares_library_init(ARES_LIB_INIT_ALL);
  return status;
}

std::error_code to_error(int status) noexcept {
  return status == ARES_SUCCESS ? std::error_code{} : std::error_code(status, error_category());
}

ares_addr_port_node to_node(const net::endpoint& server) noexcept {
  ares_addr_port_node node{};
  node.family = server.family();
  node.udp_port = node.tcp_port = server.port();
  if (server.family() == AF_INET) {
    sockaddr_in address{};
    std::memcpy(&address, server.data(), sizeof address);
    node.addr.addr4 = address.sin_addr;
  } else {
    sockaddr_in6 address{};
    std::memcpy(&address, server.data(), sizeof address);
    std::memcpy(&node.addr.addr6, &address.sin6_addr, sizeof node.addr.addr6);
  }
  return node;
}

}  // namespace

lookup::~lookup() {
  if (channel_ != nullptr) {
    ::ares_destroy(channel_);
  }
  if (found_ != nullptr) {
    ::ares_freeaddrinfo(found_);
  }
}

std::vector<net::endpoint> lookup::run(const std::string& host, const std::string& service, std::error_code& error) {
  error = blocking([&] { return begin(host, service); });
  while (!error && !done_) {
    error = await();
  }
  if (!error) {
    error = to_error(status_);
  }
  std::vector<net::endpoint> endpoints;
  if (error) {
    return endpoints;
  }
  for (const auto* node = found_->nodes; node != nullptr; node = node->ai_next) {
    endpoints.push_back(net::endpoint::from_sockaddr(node->ai_addr, node->ai_addrlen));
  }
  if (endpoints.empty()) {
    error = to_error(ARES_ENODATA);
  }
  return endpoints;
}

std::error_code lookup::begin(const std::string& host, const std::string& service) {
  if (const int failed = sockets_.open()) {
    return {failed, std::system_category()};
  }
  if (const auto error = make_channel()) {
    return error;
  }
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = options_.environment_hosts ? ARES_AI_ENVHOSTS : 0;
  ::ares_getaddrinfo(channel_, host.c_str(), service.empty() ? nullptr : service.c_str(), &hints, &lookup::finished,
                     this);
  return {};
}

std::error_code lookup::make_channel() {
  if (const int status = initialize_library()) {
    return to_error(status);
  }
  // c-ares copies what it is given.
  std::string resolv_conf = options_.resolv_conf;
  std::string order = options_.hosts_file ? "fb" : "b";  // files first: so they are read here and never while driven
  std::vector<std::string> domains;
  std::vector<char*> domain_texts;
  ares_options raw{};
  int which = ARES_OPT_SOCK_STATE_CB | ARES_OPT_LOOKUPS;
  raw.sock_state_cb = &lookup::state_changed;
  raw.sock_state_cb_data = this;
  raw.lookups = order.data();
  if (!resolv_conf.empty()) {
    raw.resolvconf_path = resolv_conf.data();
    which |= ARES_OPT_RESOLVCONF;
  }
  if (options_.search) {
    domains = *options_.search;
    for (auto& domain : domains) {
      domain_texts.push_back(domain.data());
    }
    raw.domains = domain_texts.data();
    raw.ndomains = static_cast<int>(domain_texts.size());
    which |= ARES_OPT_DOMAINS;
  }
  if (options_.ndots) {
    raw.ndots = *options_.ndots;
    which |= ARES_OPT_NDOTS;
  }
  if (options_.timeout) {
    raw.timeout = static_cast<int>(options_.timeout->count());
    which |= ARES_OPT_TIMEOUTMS;
  }
  if (options_.tries) {
    raw.tries = *options_.tries;
    which |= ARES_OPT_TRIES;
  }
  if (const int status = ::ares_init_options(&channel_, &raw, which)) {
    channel_ = nullptr;
    return to_error(status);
  }
  return to_error(set_servers());
}

int lookup::set_servers() {
  if (options_.servers.empty()) {
    return ARES_SUCCESS;
  }
  std::vector<ares_addr_port_node> nodes;
  for (const auto& server : options_.servers) {
    nodes.push_back(to_node(server));
  }
  for (std::size_t i = 1; i < nodes.size(); ++i) {
    nodes[i - 1].next = &nodes[i];
  }
  return ::ares_set_servers_ports(channel_, nodes.data());
}

std::error_code lookup::await() {
  if (sockets_.failure() != 0) {
    return {sockets_.failure(), std::system_category()};
  }
  std::error_code error;
  const bool ready = net::wait_readable_for(sockets_.native(), next_look(), error);
  if (error) {
    return error;
  }
  if (this_fiber::stack_remaining() >= stack_needed_bytes) {
    process(ready);
  } else {
    blocking([&] { process(ready); });
  }
  return {};
}

void lookup::process(bool ready) noexcept {
  if (!ready) {
    ::ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // only the clock
    return;
  }
  for (int n = 0; n < events_in_a_row && !done_; ++n) {
    const auto event = sockets_.next();
    if (!event) {
      return;
    }
    ::ares_process_fd(channel_, event->readable ? event->socket : ARES_SOCKET_BAD,
                      event->writable ? event->socket : ARES_SOCKET_BAD);
  }
}

std::chrono::milliseconds lookup::next_look() noexcept {
  timeval longest{.tv_sec = 1, .tv_usec = 0};
  timeval room{};
  const timeval* const wanted = ::ares_timeout(channel_, &longest, &room);
  const auto left = std::chrono::seconds(wanted->tv_sec) + std::chrono::microseconds(wanted->tv_usec);
  // c-ares cuts what is left to milliseconds: 0 can mean that it is not yet time.
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(left), std::chrono::milliseconds{1});
}

void lookup::finished(void* self, int status, int, ares_addrinfo* found) noexcept {
  auto& me = *static_cast<lookup*>(self);
  me.done_ = true;
  me.status_ = status;
  me.found_ = found;
}

void lookup::state_changed(void* self, ares_socket_t socket, int readable, int writable) noexcept {
  static_cast<lookup*>(self)->sockets_.watch(socket, readable != 0, writable != 0);
}

}  // namespace weft::inline v0::dns
