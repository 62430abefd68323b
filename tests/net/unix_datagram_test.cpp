// Unix datagram sockets: names, peers, and full queues, of which only a peer is told.
#include <thread>  // thread

#include <sys/socket.h>  // socketpair
#include <unistd.h>      // close

#include <gtest/gtest.h>
#include <weft/net/unix_datagram.hpp>

#include "io/faults.hpp"
#include "net/loopback.hpp"
#include "net/numbers.hpp"
#include "net/waits.hpp"

namespace {

using namespace weft_test;
using weft::detail::os::call;
using weft::net::endpoint;
using weft::net::unix_datagram;

class UnixDatagram : public testing::TestWithParam<unsigned> {
 protected:
  template <class F>
  void in_fiber(F&& f) {
    weft::run(workers(GetParam()), std::forward<F>(f));
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, UnixDatagram, testing::Values(1U, 2U));

// Sends without waiting until the receiver's queue takes no more. \return how many it took
template <class Send>
std::uint64_t fill(unix_datagram& from, Send&& send) {
  from.set_timeout(0ms);
  std::error_code error;
  std::uint64_t taken = 0;
  while (send(taken, error), !error) {
    ++taken;
  }
  EXPECT_EQ(error, std::errc::timed_out);
  from.clear_timeout();
  return taken;
}

void expect_numbers(unix_datagram& at, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t got = ~i;
    EXPECT_EQ(at.receive(writable_bytes_of(got)).size, sizeof got);
    EXPECT_EQ(got, i);
  }
}

TEST_P(UnixDatagram, ArrivesWholeWithItsSender) {
  in_fiber([] {
    auto a = unix_datagram::bind(fresh_name()), b = unix_datagram::bind(fresh_name());
    const auto sent = patterned(1, 60000);
    a.send_to(sent, b.local_endpoint());
    std::vector<std::byte> room(70000);
    const auto got = b.receive_from(room);
    EXPECT_EQ(got.from, a.local_endpoint());
    EXPECT_FALSE(got.truncated);
    room.resize(got.size);
    EXPECT_EQ(room, sent);
    b.send_to(std::span(sent).first(20), got.from);
    EXPECT_TRUE(a.receive({room.data(), 10}).truncated);
  });
}

TEST_P(UnixDatagram, WhoHasNoNameCannotBeAnswered) {
  in_fiber([] {
    auto b = unix_datagram::bind(fresh_name());
    std::byte one{};
    unix_datagram::unnamed().send_to({&one, 1}, b.local_endpoint());
    EXPECT_EQ(b.receive_from({&one, 1}).from, endpoint{});
    unix_datagram::connect(b.local_endpoint()).send({&one, 1});
    EXPECT_EQ(b.receive_from({&one, 1}).from, endpoint{});
  });
}

TEST_P(UnixDatagram, FailuresAreTold) {
  in_fiber([] {
    auto b = unix_datagram::bind(fresh_name());
    std::error_code error;
    unix_datagram::bind(b.local_endpoint(), error);
    EXPECT_EQ(error, std::errc::address_in_use);
    unix_datagram::bind(endpoint::parse("127.0.0.1:0"), error);
    EXPECT_EQ(error, std::errc::address_family_not_supported);
    unix_datagram::connect(endpoint::parse("127.0.0.1:1"), error);
    EXPECT_EQ(error, std::errc::address_family_not_supported);
    unix_datagram::connect(fresh_name(), error);
    EXPECT_EQ(error, std::errc::connection_refused);
    EXPECT_THROW(unix_datagram::connect(fresh_name()), std::system_error);
    b.send_to({}, fresh_name(), error);
    EXPECT_EQ(error, std::errc::connection_refused);
    b.send({}, error);
    EXPECT_EQ(error, std::errc::not_connected);
    const planned_faults faults(call::socket, {.error = EMFILE}, 0, 2);
    unix_datagram::unnamed(error);
    EXPECT_EQ(error, std::errc::too_many_files_open);
    unix_datagram::bind(fresh_name(), error);
    EXPECT_EQ(error, std::errc::too_many_files_open);
  });
}

TEST_P(UnixDatagram, APeerWaitsForRoomAndIsToldOfIt) {
  in_fiber([] {
    auto b = unix_datagram::bind(fresh_name());
    auto a = unix_datagram::connect(b.local_endpoint());
    const std::uint64_t taken = fill(a, [&](std::uint64_t i, std::error_code& error) { a.send(bytes_of(i), error); });
    auto sender = weft::spawn([&] {
      for (std::uint64_t i = taken; i < taken + 100; ++i) {
        a.send(bytes_of(i));
      }
    });
    wait_until_parked(a.native_handle(), 1);
    expect_numbers(b, taken + 100);
    sender.join();
  });
}

TEST_P(UnixDatagram, WhoSendsToANameAsksAgainUntilThereIsRoom) {
  in_fiber([] {
    auto b = unix_datagram::bind(fresh_name());
    auto a = unix_datagram::unnamed();
    const endpoint to = b.local_endpoint();
    const std::uint64_t taken =
        fill(a, [&](std::uint64_t i, std::error_code& error) { a.send_to(bytes_of(i), to, error); });
    auto sender = weft::spawn([&] { a.send_to(bytes_of(taken), to); });
    wait_until_parked(a.native_handle(), 1);
    expect_numbers(b, taken + 1);
    sender.join();
  });
}

TEST_P(UnixDatagram, StopsTimesAndClosingEndTheWaitForRoom) {
  in_fiber([] {
    auto b = unix_datagram::bind(fresh_name());
    auto a = unix_datagram::unnamed();
    auto peer = unix_datagram::connect(b.local_endpoint());
    const endpoint to = b.local_endpoint();
    fill(a, [&](std::uint64_t i, std::error_code& error) { a.send_to(bytes_of(i), to, error); });
    const std::byte one{};
    std::error_code error;
    expect_cancelled([&] { a.send_to({&one, 1}, to); });
    expect_cancelled([&] { a.send_to({&one, 1}, to, error); });
    expect_cancelled([&] { peer.send({&one, 1}); });
    a.set_timeout(3ms);
    a.send_to({&one, 1}, to, error);
    EXPECT_EQ(error, std::errc::timed_out);
    a.clear_timeout();
    auto by_name = weft::spawn([&] {
      std::error_code told;
      a.send_to({&one, 1}, to, told);
      return told;
    });
    auto to_peer = weft::spawn([&] {
      std::error_code told;
      peer.send({&one, 1}, told);
      return told;
    });
    wait_until_parked(a.native_handle(), 1);
    wait_until_parked(peer.native_handle(), 1);
    a.close();
    peer.close();
    EXPECT_EQ(by_name.join(), std::errc::operation_canceled);
    EXPECT_EQ(to_peer.join(), std::errc::operation_canceled);
    a.send_to({&one, 1}, to, error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
  });
}

TEST(UnixDatagramOnPlainThreads, WaitsForRoomAndNoticesTheClose) {
  auto b = unix_datagram::bind(fresh_name());
  auto a = unix_datagram::unnamed();
  const endpoint to = b.local_endpoint();
  const std::uint64_t taken =
      fill(a, [&](std::uint64_t i, std::error_code& error) { a.send_to(bytes_of(i), to, error); });
  std::thread sender([&] { a.send_to(bytes_of(taken), to); });
  expect_numbers(b, taken + 1);
  sender.join();
  fill(a, [&](std::uint64_t i, std::error_code& error) { a.send_to(bytes_of(i), to, error); });
  std::error_code error;
  std::thread closed([&] { a.send_to(bytes_of(taken), to, error); });
  a.close();
  closed.join();
  EXPECT_TRUE(error == std::errc::operation_canceled || error == std::errc::bad_file_descriptor) << error;
}

TEST(UnixDatagramTakenOver, OnlyUnixDatagramSockets) {
  int fds[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
  auto a = unix_datagram::from_native(fds[0]), b = unix_datagram::from_native(fds[1]);
  std::byte one{4}, got{};
  a.send({&one, 1});
  EXPECT_EQ(b.receive({&got, 1}).size, 1U);
  EXPECT_EQ(got, one);
  std::error_code error;
  const int stream = ::socket(AF_UNIX, SOCK_STREAM, 0), udp = ::socket(AF_INET, SOCK_DGRAM, 0);
  unix_datagram::from_native(stream, error);
  EXPECT_EQ(error, std::errc::wrong_protocol_type);
  unix_datagram::from_native(udp, error);
  EXPECT_EQ(error, std::errc::address_family_not_supported);
  EXPECT_EQ(::close(stream), 0);
  EXPECT_EQ(::close(udp), 0);
}

}  // namespace
