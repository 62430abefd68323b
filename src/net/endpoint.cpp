// Reading and writing endpoints.
#include <weft/net/endpoint.hpp>

#include <algorithm>  // copy_n, min
#include <charconv>   // from_chars
#include <cstring>    // memcpy, memcmp

#include <arpa/inet.h>   // inet_pton, inet_ntop, htons
#include <net/if.h>      // if_nametoindex, if_indextoname
#include <netinet/in.h>  // sockaddr_in, sockaddr_in6
#include <sys/socket.h>  // AF_*
#include <sys/un.h>      // sockaddr_un

namespace weft::inline v0::net {
namespace {

static_assert(sizeof(sockaddr_in) <= endpoint::capacity && sizeof(sockaddr_in6) <= endpoint::capacity);
static_assert(sizeof(sockaddr_un) <= endpoint::capacity);
constexpr std::size_t unix_head = offsetof(sockaddr_un, sun_path);

// What is wrong with a text; null: nothing.
struct parse_failure {
  const char* why = nullptr;
  std::errc code = std::errc::invalid_argument;
};

// A decimal number without sign, blanks or surplus characters.
template <class Number>
bool read_number(std::string_view text, Number& out) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

// inet_pton wants a terminated string.
template <std::size_t Size>
bool to_c_string(std::string_view text, char (&out)[Size]) noexcept {
  if (text.size() >= Size || text.find('\0') != std::string_view::npos) {
    return false;
  }
  std::copy_n(text.data(), text.size(), out);
  out[text.size()] = '\0';
  return true;
}

parse_failure read_port(std::string_view text, in_port_t& port) noexcept {
  std::uint16_t value = 0;
  if (text.empty()) {
    return {"the port is missing"};
  }
  if (!read_number(text, value)) {
    return {"the port is not a number from 0 to 65535"};
  }
  port = htons(value);
  return {};
}

parse_failure read_scope(std::string_view text, std::uint32_t& scope) noexcept {
  char name[IF_NAMESIZE];
  if (!read_number(text, scope)) {
    scope = to_c_string(text, name) ? ::if_nametoindex(name) : 0;
  }
  return scope == 0 ? parse_failure{"no such interface"} : parse_failure{};
}

parse_failure read_v6(std::string_view text, sockaddr_in6& out) noexcept {
  const std::size_t close = text.find(']');
  if (close == std::string_view::npos) {
    return {"']' is missing"};
  }
  if (close + 1 >= text.size() || text[close + 1] != ':') {
    return {"':' and the port are missing"};
  }
  std::string_view host = text.substr(1, close - 1);
  if (const std::size_t percent = host.find('%'); percent != std::string_view::npos) {
    if (const parse_failure bad = read_scope(host.substr(percent + 1), out.sin6_scope_id); bad.why != nullptr) {
      return bad;
    }
    host = host.substr(0, percent);
  }
  char buffer[INET6_ADDRSTRLEN];
  if (!to_c_string(host, buffer) || ::inet_pton(AF_INET6, buffer, &out.sin6_addr) != 1) {
    return {"not an IPv6 address"};
  }
  out.sin6_family = AF_INET6;
  return read_port(text.substr(close + 2), out.sin6_port);
}

parse_failure read_v4(std::string_view text, sockaddr_in& out) noexcept {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return {"':' and the port are missing"};
  }
  char buffer[INET_ADDRSTRLEN];
  const std::string_view host = text.substr(0, colon);
  if (host.find(':') != std::string_view::npos) {
    return {"an IPv6 address needs brackets"};
  }
  if (!to_c_string(host, buffer) || ::inet_pton(AF_INET, buffer, &out.sin_addr) != 1) {
    return {"not an IPv4 address"};
  }
  out.sin_family = AF_INET;
  return read_port(text.substr(colon + 1), out.sin_port);
}

parse_failure read_unix(std::string_view name, sockaddr_un& out, unsigned& size) noexcept {
  out.sun_family = AF_UNIX;
  const bool abstract = name.starts_with('@');
  if (name.empty() || (abstract && name.size() == 1)) {
    return {"the name is empty"};
  }
  if (name.find('\0') != std::string_view::npos) {
    return {"the name has a zero byte"};
  }
  if (name.size() >= sizeof out.sun_path) {
    return {"the name is too long", std::errc::filename_too_long};
  }
  std::memcpy(out.sun_path, name.data(), name.size());
  if (abstract) {
    out.sun_path[0] = '\0';
  }
  // The length of an abstract name is its end; a path counts its terminator.
  size = static_cast<unsigned>(unix_head + name.size() + (abstract ? 0 : 1));
  return {};
}

template <class Address>
void keep(const Address& address, unsigned char* bytes) noexcept {
  std::memcpy(bytes, &address, sizeof address);
}

parse_failure read_endpoint(std::string_view text, unsigned char* bytes, unsigned& size) noexcept {
  constexpr std::string_view unix_prefix = "unix:";
  parse_failure bad;
  if (text.starts_with(unix_prefix)) {
    sockaddr_un address{};
    bad = read_unix(text.substr(unix_prefix.size()), address, size);
    keep(address, bytes);
  } else if (text.starts_with('[')) {
    sockaddr_in6 address{};
    bad = read_v6(text, address);
    size = sizeof address;
    keep(address, bytes);
  } else {
    sockaddr_in address{};
    bad = read_v4(text, address);
    size = sizeof address;
    keep(address, bytes);
  }
  return bad;
}

// For messages: a text that was refused may hold anything.
std::string printable(std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += {'\\', 'x', digits[byte >> 4], digits[byte & 0xf]};
    } else {
      out += c;
    }
  }
  return out;
}

template <class Address>
Address load(const void* bytes) noexcept {
  Address address;
  std::memcpy(&address, bytes, sizeof address);
  return address;
}

std::string ip6_text(const sockaddr_in6& address) {
  char buffer[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(AF_INET6, &address.sin6_addr, buffer, sizeof buffer);
  std::string text = std::string("[") + buffer;
  if (address.sin6_scope_id != 0) {
    char name[IF_NAMESIZE];
    const char* known = ::if_indextoname(address.sin6_scope_id, name);
    text += "%" + (known != nullptr ? std::string(known) : std::to_string(address.sin6_scope_id));
  }
  return text + "]:" + std::to_string(ntohs(address.sin6_port));
}

std::string unix_text(const char* path, std::size_t size) {
  if (size == 0) {
    return "unix:";  // unnamed: a socketpair, or a client that did not bind
  }
  return path[0] == '\0' ? "unix:@" + std::string(path + 1, size - 1)
                         : "unix:" + std::string(path, ::strnlen(path, size));
}

}  // namespace

endpoint endpoint::parse(std::string_view text, std::error_code& error) noexcept {
  endpoint result;
  const parse_failure bad = read_endpoint(text, result.bytes_, result.size_);
  error = bad.why == nullptr ? std::error_code{} : std::make_error_code(bad.code);
  return bad.why == nullptr ? result : endpoint{};
}

endpoint endpoint::parse(std::string_view text) {
  endpoint result;
  const parse_failure bad = read_endpoint(text, result.bytes_, result.size_);
  if (bad.why != nullptr) {
    throw std::system_error(std::make_error_code(bad.code), "endpoint '" + printable(text) + "': " + bad.why);
  }
  return result;
}

endpoint endpoint::from_sockaddr(const void* address, std::size_t size, std::error_code& error) noexcept {
  endpoint result;
  sa_family_t family = AF_UNSPEC;
  if (size >= sizeof family) {
    std::memcpy(&family, address, sizeof family);
  }
  const bool fits = (family == AF_INET && size >= sizeof(sockaddr_in)) ||
                    (family == AF_INET6 && size >= sizeof(sockaddr_in6)) ||
                    (family == AF_UNIX && size <= sizeof(sockaddr_un));
  error = fits ? std::error_code{} : std::make_error_code(std::errc::address_family_not_supported);
  if (!fits) {
    return {};
  }
  result.size_ = static_cast<unsigned>(family == AF_INET    ? sizeof(sockaddr_in)
                                       : family == AF_INET6 ? sizeof(sockaddr_in6)
                                                            : size);
  std::memcpy(result.bytes_, address, result.size_);
  return result;
}

endpoint endpoint::from_sockaddr(const void* address, std::size_t size) {
  std::error_code error;
  const endpoint result = from_sockaddr(address, size, error);
  if (error) {
    throw std::system_error(error, "endpoint from sockaddr");
  }
  return result;
}

int endpoint::family() const noexcept { return size_ == 0 ? AF_UNSPEC : load<sa_family_t>(bytes_); }
bool endpoint::is_ip() const noexcept { return family() == AF_INET || family() == AF_INET6; }
bool endpoint::is_unix() const noexcept { return family() == AF_UNIX; }

std::uint16_t endpoint::port() const noexcept {
  static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
  return is_ip() ? ntohs(load<sockaddr_in>(bytes_).sin_port) : std::uint16_t{0};
}

endpoint endpoint::with_port(std::uint16_t port) const noexcept {
  endpoint result = *this;
  const in_port_t wire = htons(port);
  if (is_ip()) {
    std::memcpy(result.bytes_ + offsetof(sockaddr_in, sin_port), &wire, sizeof wire);
  }
  return result;
}

std::string endpoint::to_string() const {
  if (family() == AF_INET) {
    const auto address = load<sockaddr_in>(bytes_);
    char buffer[INET_ADDRSTRLEN] = "";
    ::inet_ntop(AF_INET, &address.sin_addr, buffer, sizeof buffer);
    return std::string(buffer) + ":" + std::to_string(port());
  }
  if (family() == AF_INET6) {
    return ip6_text(load<sockaddr_in6>(bytes_));
  }
  if (family() == AF_UNIX) {
    return unix_text(reinterpret_cast<const char*>(bytes_) + unix_head, size_ - unix_head);
  }
  return "unspecified";
}

bool operator==(const endpoint& a, const endpoint& b) noexcept { return (a <=> b) == 0; }

std::strong_ordering operator<=>(const endpoint& a, const endpoint& b) noexcept {
  const int order = std::memcmp(a.bytes_, b.bytes_, std::min(a.size_, b.size_));
  return order != 0 ? order <=> 0 : a.size_ <=> b.size_;
}

}  // namespace weft::inline v0::net
