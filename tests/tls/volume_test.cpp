// Much data in both directions at once, two fibers an end, and messages of the protocol in between.
#include <algorithm>  // min, equal

#include <gtest/gtest.h>

#include "support/scale.hpp"
#include "tls/pairs.hpp"

namespace {

using namespace weft_test;

// Reads `size` bytes of the pattern, in pieces of changing size.
void expect_pattern(tls::stream& from, std::uint64_t key, std::size_t size) {
  std::vector<std::byte> room(70'000);
  std::size_t wrong = 0;
  for (std::size_t at = 0, step = 1; at < size; step = step * 7 % 69'997 + 1) {
    const std::size_t n = from.read_some(std::span(room).first(std::min(step, size - at)));
    ASSERT_GT(n, 0U) << "the end came after " << at;
    for (std::size_t i = 0; i < n; ++i) wrong += room[i] == pattern(key, at + i) ? 0U : 1U;
    at += n;
  }
  EXPECT_EQ(wrong, 0U);
}
void write_pattern(tls::stream& to, std::uint64_t key, std::size_t size) {
  std::vector<std::byte> piece;
  for (std::size_t at = 0, step = 1; at < size; step = step * 11 % 199'999 + 1) {
    piece.resize(std::min(step, size - at));
    for (std::size_t i = 0; i < piece.size(); ++i) piece[i] = pattern(key, at + i);
    to.write_all(piece);
    at += piece.size();
  }
}

void both_ways(tls_pair& p, std::size_t size) {
  std::vector<weft::fiber<>> all;
  all.push_back(weft::spawn([&] { write_pattern(p.client, 1, size); }));
  all.push_back(weft::spawn([&] { write_pattern(p.server, 2, size); }));
  all.push_back(weft::spawn([&] { expect_pattern(p.client, 2, size); }));
  all.push_back(weft::spawn([&] { expect_pattern(p.server, 1, size); }));
  for (auto& f : all) f.join();
}

class TlsVolume : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, TlsVolume, testing::Values(1U, 2U));

TEST_P(TlsVolume, CrossesTcpInBothDirectionsAtOnce) {
  weft::run(workers(GetParam()), [] {
    stream_pair sockets = connected_pair();
    tls_pair p{tls::stream(std::move(sockets.client), common_client(), {.host = "localhost"}),
               tls::stream(std::move(sockets.server), common_server())};
    ASSERT_FALSE(shake_hands(p).client);
    both_ways(p, weft::testing::stress_count(std::size_t{32} << 20));
  });
}

TEST_P(TlsVolume, CrossesAPipeThatIsSmallerThanARecord) {
  weft::run(workers(GetParam()), [] {
    tls_pair p = connected_pair_in_memory(connected_in_memory(4000, 9000));
    both_ways(p, weft::testing::stress_count(std::size_t{2} << 20));
  });
}

// A peer that reads nothing until everything is written would need unbounded buffers; here both do, up to what the pipes
// hold, and the answers of readers (tickets, key updates) must not hold them up.
TEST_P(TlsVolume, ReadersGoOnWhileWritersAreStuck) {
  weft::run(workers(GetParam()), [] {
    const memory_ends ends = connected_in_memory(1 << 16, 3000);
    tls_pair p = connected_pair_in_memory(ends);
    const auto much = patterned(3, 200'000);
    auto stuck = weft::spawn([&] { p.client.write_all(much); });  // the server does not read
    let_others_run();
    for (int i = 0; i < 50; ++i) {
      send_text(p.server, "a message");
      EXPECT_EQ(receive_text(p.client, 9), "a message");
    }
    std::vector<std::byte> got(much.size());
    p.server.read_exactly(got);
    stuck.join();
    EXPECT_EQ(got, much);
  });
}

}  // namespace
