// Descriptors that travel with a message of a Unix socket.
#pragma once
#include <cstddef>       // byte, size_t
#include <span>          // span
#include <system_error>  // error_code

#include "net/datagram.hpp"
#include <weft/net/endpoint.hpp>          // endpoint
#include <weft/net/owned_descriptor.hpp>  // owned_descriptor, received_descriptors

namespace weft::inline v0::detail {

// Linux's SCM_MAX_FD: more are refused, so more never come.
constexpr std::size_t most_descriptors = 253;

// All cancellation points. In a stream: all of `data`, the descriptors with its first byte. \return how many bytes were taken.
std::size_t send_descriptors_in_stream(descriptor_handle socket, std::span<const int> fds,
                                       std::span<const std::byte> data, time_limit& limit, const char* what,
                                       std::error_code& error);

void send_descriptors_in_datagram(descriptor_handle socket, std::span<const int> fds, std::span<const std::byte> data,
                                  const net::endpoint& to, time_limit& limit, const char* what, std::error_code& error);

net::received_descriptors receive_descriptors(descriptor_handle socket, std::span<std::byte> into,
                                              std::span<net::owned_descriptor> owners, time_limit& limit,
                                              const char* what, std::error_code& error);

}  // namespace weft::inline v0::detail
