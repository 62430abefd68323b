// Both ends of a TLS connection, and their handshake.
#pragma once
#include <system_error>  // error_code
#include <utility>       // move

#include <gtest/gtest.h>
#include <weft/sched/runtime.hpp>
#include <weft/tls/stream.hpp>

#include "net/loopback.hpp"  // patterned, workers, rounds
#include "tls/certificates.hpp"
#include "tls/memory_stream.hpp"

namespace weft_test {

namespace tls = weft::tls;

inline tls::client_settings trusting(const authority& whom) {
  return {.system_trust = false, .trust = whom.pem(), .own = {}, .alpn = {}};
}
inline tls::server_settings showing(tls::identity own) { return {.own = std::move(own)}; }

// Contexts of the common authority, for tests of something else.
inline const tls::context& common_client() {
  static const tls::context one = tls::context::client(trusting(common_authority()));
  return one;
}
inline const tls::context& common_server() {
  static const tls::context one = tls::context::server(showing(common_authority().issue()));
  return one;
}

struct tls_pair {
  tls::stream client, server;
};

struct outcomes {
  std::error_code client, server;
};
// Both at the same time. The end of one that fails is told to the other by closing, as a program would.
inline outcomes shake_hands(tls_pair& pair) {
  outcomes o;
  auto other = weft::spawn([&] {
    pair.server.handshake(o.server);
    if (o.server) pair.server.close();
  });
  pair.client.handshake(o.client);
  if (o.client) pair.client.close();
  other.join();
  return o;
}

inline tls_pair pair_in_memory(const memory_ends& ends, const tls::context& client = common_client(),
                               const tls::context& server = common_server(),
                               const tls::stream_options& options = {.host = "localhost"}) {
  return {tls::stream(ends.client, client, options), tls::stream(ends.server, server)};
}
inline tls_pair connected_pair_in_memory(const memory_ends& ends, const tls::context& client = common_client(),
                                         const tls::context& server = common_server(),
                                         const tls::stream_options& options = {.host = "localhost"}) {
  tls_pair pair = pair_in_memory(ends, client, server, options);
  const outcomes o = shake_hands(pair);
  EXPECT_FALSE(o.client) << o.client.message();
  EXPECT_FALSE(o.server) << o.server.message();
  return pair;
}

inline void send_text(tls::stream& to, std::string_view text) { to.write_all(std::as_bytes(std::span(text))); }
inline std::string receive_text(tls::stream& from, std::size_t size) {
  std::string text(size, '\0');
  from.read_exactly(std::as_writable_bytes(std::span(text)));
  return text;
}

}  // namespace weft_test
