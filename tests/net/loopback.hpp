// Connected pairs and self-checking data on the loopback interface.
#pragma once
#include <array>        // array
#include <chrono>       // steady_clock
#include <cstddef>      // byte
#include <cstdint>      // uint64_t
#include <cstdlib>      // getenv
#include <span>         // span
#include <string_view>  // comparison
#include <utility>      // pair
#include <vector>       // vector

#include <weft/net/tcp_listener.hpp>
#include <weft/net/tcp_stream.hpp>
#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>

#include "io/poll_backend.hpp"  // uring_is_first_choice
#include "support/instrumented.hpp"

namespace weft_test {

using namespace std::chrono_literals;

inline weft::net::tcp_listener listen_anywhere() {
  return weft::net::tcp_listener::bind(weft::net::endpoint::parse("127.0.0.1:0"));
}

// Sanitizers make every round about ten times as dear.
constexpr int rounds(int plain, int instrumented) { return weft::testing::instrumented ? instrumented : plain; }

struct stream_pair {
  weft::net::tcp_stream client, server;
};
// The backlog completes the handshake, so no second fiber is needed.
inline stream_pair connected_pair() {
  auto listener = listen_anywhere();
  auto client = weft::net::tcp_stream::connect(listener.local_endpoint());
  auto server = listener.accept();
  return {std::move(client), std::move(server)};
}

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span<const T, 1>(&value, 1));
}
template <class T>
std::span<std::byte> writable_bytes_of(T& value) {
  return std::as_writable_bytes(std::span<T, 1>(&value, 1));
}

// Byte `i` of stream `key`: a misplaced or foreign byte is noticed.
inline std::byte pattern(std::uint64_t key, std::uint64_t i) {
  const std::uint64_t x = (i + 1) * 0x9e3779b97f4a7c15ULL + key * 0xbf58476d1ce4e5b9ULL;
  return static_cast<std::byte>(x >> 56);
}
inline std::vector<std::byte> patterned(std::uint64_t key, std::size_t size) {
  std::vector<std::byte> data(size);
  for (std::size_t i = 0; i < size; ++i) {
    data[i] = pattern(key, i);
  }
  return data;
}

// Which of the two backends this run of the tests is for.
inline bool with_uring() {
  const char* const io = std::getenv("WEFT_IO");
  return io != nullptr ? std::string_view(io) == "uring" : weft::detail::uring_is_first_choice();
}

inline weft::runtime_options workers(unsigned n) {
  weft::runtime_options options;
  options.workers = n;
  options.io = with_uring() ? weft::io_backend::uring : weft::io_backend::epoll;
  return options;
}

// Lets other fibers run until they have parked: a bounded number of turns, then the caller's assertion speaks.
inline void let_others_run(int turns = 20) {
  for (int i = 0; i < turns; ++i) {
    weft::this_fiber::yield();
  }
}

}  // namespace weft_test
