/// \file   weft/net/endpoint.hpp
/// \brief  Where a socket is: an IPv4 or IPv6 address with a port, or the name of a Unix socket. A plain value.
#pragma once
#include <compare>       // strong_ordering
#include <cstddef>       // size_t
#include <cstdint>       // uint16_t
#include <string>        // string
#include <string_view>   // string_view
#include <system_error>  // error_code

#include <weft/base/config.hpp>  // WEFT_EXPORT

namespace weft::inline v0::net {

/// A socket address. Never suspends, allocates only in to_string(); threads as for an int.
class WEFT_EXPORT endpoint {
 public:
  /// Room for the longest kind, a Unix name.
  static constexpr std::size_t capacity = 112;

  /// No address: port 0, text "unspecified".
  endpoint() noexcept = default;

  /// Reads numeric text, without any look-up of names:
  ///   "127.0.0.1:80", "[::1]:80", "[fe80::1%eth0]:80" (a scope by interface name or number),
  ///   "unix:/run/x.sock", "unix:@name" (abstract namespace).
  /// \throws std::system_error  errc::invalid_argument, what() names the text and what is wrong with it;
  ///                            errc::filename_too_long for a Unix name beyond 107 bytes.
  static endpoint parse(std::string_view text);
  static endpoint parse(std::string_view text, std::error_code& error) noexcept;

  /// From a sockaddr of `size` bytes. \throws std::system_error  errc::address_family_not_supported, also when the size
  /// does not fit the family.
  static endpoint from_sockaddr(const void* address, std::size_t size);
  static endpoint from_sockaddr(const void* address, std::size_t size, std::error_code& error) noexcept;

  /// Text that parse() reads back, except for no address ("unspecified") and what only the system makes: an unnamed Unix
  /// socket ("unix:"), a Unix path of 108 bytes.
  std::string to_string() const;

  /// In host byte order; 0 for a Unix socket.
  std::uint16_t port() const noexcept;
  /// The same address at another port. \pre an IP address
  endpoint with_port(std::uint16_t port) const noexcept;

  /// AF_INET, AF_INET6, AF_UNIX, or AF_UNSPEC (0).
  int family() const noexcept;
  bool is_ip() const noexcept;
  bool is_unix() const noexcept;

  /// The sockaddr, for system calls.
  const void* data() const noexcept { return bytes_; }
  unsigned size() const noexcept { return size_; }

  /// Of the bytes of the address; an order for maps, of no other meaning.
  friend WEFT_EXPORT bool operator==(const endpoint& a, const endpoint& b) noexcept;
  friend WEFT_EXPORT std::strong_ordering operator<=>(const endpoint& a, const endpoint& b) noexcept;

 private:
  alignas(8) unsigned char bytes_[capacity] = {};
  unsigned size_ = 0;
};

}  // namespace weft::inline v0::net
