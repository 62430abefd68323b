// How much stack OpenSSL needs: each step runs on a painted stack, in a process of its own, and the lowest changed byte counts.
// docs/design/tls.md tells the numbers; the header promises 16 KiB for a handshake.
#include <cstdio>   // printf
#include <cstring>  // memset
#include <memory>   // unique_ptr
#include <vector>   // vector

#include <gtest/gtest.h>

#include "context/switch.hpp"  // make_context, switch_context
#include "stack/stack.hpp"     // stack_cache
#include "support/child.hpp"
#include "support/instrumented.hpp"
#include "tls/certificates.hpp"
#include "tls/context_state.hpp"
#include "tls/engine.hpp"

namespace weft_test {
namespace {

using namespace weft::detail;

context host, guest;
void (*body)() = nullptr;

void enter(void*) noexcept {
  body();
  switch_context(guest, host);
  __builtin_unreachable();
}

std::size_t bytes_needed(void (*code)()) {
  constexpr int paint = 0x6b;
  stack_cache cache;
  std::error_code error;
  stack* const s = cache.take(4, error);  // 256 KiB
  EXPECT_NE(s, nullptr) << error.message();
  if (s == nullptr) return 0;
  std::memset(s->limit, paint, s->usable_bytes());
  body = code;
  make_context(guest, s->top(), enter, nullptr);
  switch_context(host, guest);
  const std::byte* lowest = s->limit;
  while (lowest < s->top() && *lowest == std::byte{paint}) {
    ++lowest;
  }
  cache.put(s);
  return static_cast<std::size_t>(s->top() - lowest);
}

struct world {
  authority root{"a root"};
  authority middle = root.intermediate("an intermediate");
  weft::tls::identity own = middle.issue(), clients = middle.issue({.name = "client", .for_client = true});
  std::string trust = root.pem();
  std::shared_ptr<tls_context> client, server;
  std::unique_ptr<tls_engine> a, b;
  std::vector<std::byte> data = std::vector<std::byte>(16384, std::byte{7});
};
world* w = nullptr;

void make_contexts() {
  tls_settings c, s;
  s.server = true;
  s.verify = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  w->client = std::make_shared<tls_context>(c, 8);
  w->server = std::make_shared<tls_context>(s, 0);
  EXPECT_FALSE(w->client->set_up(w->trust, &w->clients));
  EXPECT_FALSE(w->server->set_up(w->trust, &w->own));
}

void make_engines() {
  w->a = std::make_unique<tls_engine>(w->client, weft::tls::stream_options{.host = "localhost"});
  w->b = std::make_unique<tls_engine>(w->server, weft::tls::stream_options{});
}

// What one end has to say, given to the other in pieces that fit.
template <class Step>
void pass_on(tls_engine& from, tls_engine& to, Step step) {
  std::vector<std::byte> all;
  all.swap(from.output());
  for (std::size_t at = 0; at < all.size();) {
    const auto room = to.input_room();
    const std::size_t n = std::min(room.size(), all.size() - at);
    std::memcpy(room.data(), all.data() + at, n);
    to.input_arrived(n);
    at += n;
    step();
  }
}

void shake_hands_of_engines() {
  bool client_done = false, server_done = false;
  for (int turn = 0; turn < 10 && !(client_done && server_done); ++turn) {
    client_done = w->a->handshake().status == tls_status::done;
    pass_on(*w->a, *w->b, [&] { server_done = w->b->handshake().status == tls_status::done; });
    pass_on(*w->b, *w->a, [&] { client_done = w->a->handshake().status == tls_status::done; });
  }
  EXPECT_TRUE(client_done && server_done);
}

void exchange() {
  std::byte got[512];
  std::size_t total = 0;
  EXPECT_EQ(w->a->write(w->data).bytes, w->data.size());
  pass_on(*w->a, *w->b, [&] {
    for (tls_result r = w->b->read(got); r.status == tls_status::done; r = w->b->read(got)) total += r.bytes;
  });
  EXPECT_EQ(total, w->data.size());
}

void tear_down() {
  w->a.reset();
  w->b.reset();
}

void measure() {
  world all;
  w = &all;
  struct row {
    const char* name;
    void (*code)();
    std::size_t most;
  };
  // The default stack: 256 KiB with a guard of 64.
  for (const row& r :
       {row{"contexts with certificates", make_contexts, 64 * 1024}, row{"engines", make_engines, 16 * 1024},
        row{"handshake, chains of two, both sides verify", shake_hands_of_engines, 16 * 1024},
        row{"a record of 16 KiB there", exchange, 16 * 1024}, row{"the end", tear_down, 16 * 1024}}) {
    const std::size_t needed = bytes_needed(r.code);
    std::printf("%-44s %6zu bytes\n", r.name, needed);
    EXPECT_LE(needed, r.most) << r.name;
  }
  w->own = w->middle.issue({.rsa = true});
  make_contexts();
  make_engines();
  const std::size_t rsa = bytes_needed(shake_hands_of_engines);
  std::printf("%-44s %6zu bytes\n", "handshake, a server's key of RSA", rsa);
  EXPECT_LE(rsa, 16U * 1024);
  tear_down();
}

TEST(TlsStackNeed, OfAHandshakeIsFarBelowTheDefaultStack) {
  if (weft::testing::instrumented) {
    GTEST_SKIP() << "instrumented frames are larger";
  }
  const weft::testing::child_result result = weft::testing::run_in_child(measure);
  EXPECT_TRUE(result.passed()) << result.errors;
  std::printf("%s", result.errors.c_str());
}

}  // namespace
}  // namespace weft_test
