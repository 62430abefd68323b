// Messages of the protocol between the data: a ticket that has arrived by half.
#include <gtest/gtest.h>

#include "support/test_runtime.hpp"
#include "tls/pairs.hpp"

namespace {

using namespace weft_test;
using weft::testing::test_runtime;

// A server's ticket holds the client's certificate. When that is larger than a record, the ticket comes in several, and
// OpenSSL seals nothing for the client while it has read only the first.
struct large_tickets {
  memory_ends ends = connected_in_memory();
  tls_pair pair;

  void connect() {
    auto client = trusting(common_authority());
    client.own = common_authority().issue({.name = "somebody", .for_client = true, .padding = 24'000});
    auto server = showing(common_authority().issue());
    server.clients = tls::client_certificate::required;
    server.trust = common_authority().pem();
    pair = connected_pair_in_memory(ends, tls::context::client(client), tls::context::server(server));
    EXPECT_GT(ends.client.in->waiting(), 2U * 20'000) << "two tickets";
  }
};

TEST(TlsTicket, ThatHasComeByHalfKeepsAWriterWaitingForTheReader) {
  test_runtime rt{1};
  large_tickets world;
  rt.run([&] { world.connect(); });
  world.ends.client.in->limit(17'000);
  std::string got;
  auto reader = rt.spawn("reader", [&] { got = receive_text(world.pair.client, 6); });
  rt.run_until_idle();
  const std::size_t before = world.ends.server.in->written();
  auto writer = rt.spawn("writer", [&] { send_text(world.pair.client, "question"); });
  rt.run_until_idle();
  EXPECT_EQ(world.ends.server.in->written(), before) << "the case is not the one it is meant to be";
  world.ends.client.in->limit(1'000'000);
  writer.join();
  rt.run([&] {
    EXPECT_EQ(receive_text(world.pair.server, 8), "question");
    send_text(world.pair.server, "answer");
  });
  reader.join();
  EXPECT_EQ(got, "answer");
}

TEST(TlsTicket, ThatHasComeByHalfIsReadByTheWriterWhenTheReaderHasLeft) {
  test_runtime rt{2};
  large_tickets world;
  rt.run([&] { world.connect(); });
  world.ends.client.in->limit(17'000);
  auto reader = rt.spawn("reader", [&] { receive_text(world.pair.client, 6); });
  rt.run_until_idle();
  auto writer = rt.spawn("writer", [&] { send_text(world.pair.client, "question"); });
  rt.run_until_idle();
  reader.request_stop();
  EXPECT_THROW(reader.join(), weft::cancelled);
  rt.run_until_idle();
  // A new reader waits for the writer that reads.
  auto second = rt.spawn("second reader", [&] { return receive_text(world.pair.client, 6); });
  rt.run_until_idle();
  world.ends.client.in->limit(1'000'000);
  writer.join();
  rt.run([&] {
    EXPECT_EQ(receive_text(world.pair.server, 8), "question");
    send_text(world.pair.server, "answer");
  });
  EXPECT_EQ(second.join(), "answer");
}

TEST(TlsTicket, ThatNeverComesWholeFailsTheWriterToo) {
  test_runtime rt{3};
  large_tickets world;
  rt.run([&] { world.connect(); });
  world.ends.client.in->limit(17'000);
  std::error_code reading, writing;
  std::byte one{};
  auto reader = rt.spawn("reader", [&] { world.pair.client.read_some({&one, 1}, reading); });
  rt.run_until_idle();
  auto writer = rt.spawn("writer", [&] { world.pair.client.write_all({&one, 1}, writing); });
  rt.run_until_idle();
  world.ends.client.in->end();
  reader.join();
  writer.join();
  EXPECT_EQ(reading, tls::error::truncated);
  EXPECT_EQ(writing, tls::error::truncated);
}

TEST(TlsTicket, AStopEndsAWriterThatWaitsForTheReaderAndNothingIsLost) {
  test_runtime rt{4};
  large_tickets world;
  rt.run([&] { world.connect(); });
  world.ends.client.in->limit(17'000);
  auto reader = rt.spawn("reader", [&] { return receive_text(world.pair.client, 6); });
  rt.run_until_idle();
  auto writer = rt.spawn("writer", [&] { send_text(world.pair.client, "never sent"); });
  rt.run_until_idle();
  writer.request_stop();
  EXPECT_THROW(writer.join(), weft::cancelled);
  world.ends.client.in->limit(1'000'000);
  rt.run([&] {
    send_text(world.pair.server, "answer");
    send_text(world.pair.client, "question");
    EXPECT_EQ(receive_text(world.pair.server, 8), "question");
  });
  EXPECT_EQ(reader.join(), "answer");
}

}  // namespace
