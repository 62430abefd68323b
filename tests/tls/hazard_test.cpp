// OpenSSL's queue of errors belongs to the thread: a failing session must never be seen by a good one beside it.
#include <thread>  // thread

#include <gtest/gtest.h>
#include <openssl/err.h>

#include "support/scale.hpp"
#include "tls/pairs.hpp"

namespace {

using namespace weft_test;

// Handshakes that fail, one after the other, each in the middle of what the good session does. Each operation of the
// memory streams checks that the queue is empty whenever it could suspend.
void fail_handshakes(std::size_t count, std::size_t& failures) {
  const tls::context strange = tls::context::server(showing(authority("a stranger").issue()));
  for (std::size_t i = 0; i < count; ++i) {
    memory_ends ends = connected_in_memory();
    if (i % 50 == 0) {  // a refused certificate, with signatures and all
      tls_pair p = pair_in_memory(ends, common_client(), strange);
      const outcomes o = shake_hands(p);
      failures += o.client && o.server ? 1U : 0U;
      continue;
    }
    tls::stream client(ends.client, common_client(), {.host = "localhost"});
    std::error_code error;
    const std::string_view noise = "this is no TLS record";
    ends.server.write_some(std::as_bytes(std::span(noise)), error);
    weft::this_fiber::yield();
    client.handshake(error);
    failures += error ? 1U : 0U;
    weft::this_fiber::yield();
    EXPECT_EQ(ERR_peek_error(), 0U);
  }
}

void talk(tls_pair& p, const bool& over, std::uint64_t& rounds_done) {
  auto echo = weft::spawn([&] {
    std::byte piece[64];
    while (const std::size_t n = p.server.read_some(piece)) p.server.write_all(std::span(piece).first(n));
  });
  while (!over) {
    ++rounds_done;
    p.client.write_all(bytes_of(rounds_done));
    std::uint64_t got = 0;
    p.client.read_exactly(writable_bytes_of(got));
    ASSERT_EQ(got, rounds_done);
    EXPECT_EQ(ERR_peek_error(), 0U);
  }
  p.client.shutdown();
  echo.join();
}

// One worker, so that all of them share its thread: where there are two, an unstarted fiber may be stolen.
void good_beside_failing(std::size_t count) {
  weft::run(workers(1), [&] {
    bool over = false;
    std::size_t failures = 0;
    std::uint64_t rounds_done = 0;
    tls_pair p = connected_pair_in_memory(connected_in_memory());
    auto good = weft::spawn([&] { talk(p, over, rounds_done); });
    fail_handshakes(count, failures);
    over = true;
    good.join();
    EXPECT_EQ(failures, count);
    EXPECT_GE(rounds_done, count / 10);
  });
}

TEST(TlsHazard, AFailingSessionIsNotSeenByAGoodOneOnTheSameWorker) {
  const std::size_t count = weft::testing::stress_count(5000);  // on each of two workers, of a runtime each
  std::thread second([&] { good_beside_failing(count); });
  if (weft::testing::instrumented) second.join();  // both use one context, whose counts ThreadSanitizer does not see
  good_beside_failing(count);
  if (second.joinable()) second.join();
}

// Somebody else's fiber leaves errors behind, as code that uses OpenSSL carelessly does.
TEST(TlsHazard, ErrorsThatStrangersLeaveAreNotTakenForOurs) {
  weft::run(workers(1), [] {
    tls_pair p = connected_pair_in_memory(connected_in_memory());
    send_text(p.server, std::string(100, 'x'));
    EXPECT_EQ(receive_text(p.client, 1),
              "x");  // a record: the rest is read without the memory stream, which would complain
    for (int i = 1; i < 100; ++i) {
      ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
      std::error_code error;
      std::byte one{};
      EXPECT_EQ(p.client.read_some({&one, 1}, error), 1U);
      EXPECT_FALSE(error) << error.message();
      EXPECT_EQ(ERR_peek_error(), 0U);
    }
  });
}

// A call that succeeds does not look at the queue; one that has to wait does, and would take the error for its own.
TEST(TlsHazard, AStrangersErrorDoesNotEndAReadThatHasToWait) {
  weft::run(workers(1), [] {
    tls_pair p = connected_pair_in_memory(connected_in_memory());
    auto sender = weft::spawn([&] { send_text(p.server, "y"); });  // starts when the reader waits
    ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
    EXPECT_EQ(receive_text(p.client, 1), "y");
    sender.join();
  });
}

}  // namespace
