// UDP sockets between fibers: whole datagrams, peers, batches, several users at once, and the ends of waits.
#include <algorithm>  // min
#include <thread>     // thread

#include <sys/socket.h>  // socket, setsockopt

#include <gtest/gtest.h>
#include <weft/net/udp_socket.hpp>

#include "io/faults.hpp"
#include "net/loopback.hpp"
#include "net/waits.hpp"

namespace {

using namespace weft_test;
using weft::detail::os::call;
using weft::net::endpoint;
using weft::net::incoming_datagram;
using weft::net::outgoing_datagram;
using weft::net::udp_socket;

class Udp : public testing::TestWithParam<unsigned> {
 protected:
  template <class F>
  void in_fiber(F&& f) {
    weft::run(workers(GetParam()), std::forward<F>(f));
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, Udp, testing::Values(1U, 2U));

udp_socket bound_anywhere() { return udp_socket::bind(endpoint::parse("127.0.0.1:0")); }

// Two sockets, each the other's peer.
struct udp_pair {
  udp_socket a = bound_anywhere(), b = bound_anywhere();
  udp_pair() {
    a.set_peer(b.local_endpoint());
    b.set_peer(a.local_endpoint());
  }
};

TEST_P(Udp, ADatagramArrivesWholeWithItsSender) {
  in_fiber([] {
    auto a = bound_anywhere(), b = bound_anywhere();
    const auto sent = patterned(1, 1200);
    a.send_to(sent, b.local_endpoint());
    std::vector<std::byte> room(2000);
    const auto got = b.receive_from(room);
    EXPECT_EQ(got.size, sent.size());
    EXPECT_FALSE(got.truncated);
    EXPECT_EQ(got.from, a.local_endpoint());
    room.resize(got.size);
    EXPECT_EQ(room, sent);
  });
}

TEST_P(Udp, GoesOverIpv6Too) {
  in_fiber([] {
    std::error_code error;
    auto a = udp_socket::bind(endpoint::parse("[::1]:0"), error);
    if (error == std::errc::address_not_available || error == std::errc::address_family_not_supported) {
      GTEST_SKIP() << "no IPv6 here";
    }
    auto b = udp_socket::connect(a.local_endpoint());
    const std::byte sent{3};
    std::byte got{};
    b.send({&sent, 1});
    EXPECT_EQ(a.receive_from({&got, 1}).from, b.local_endpoint());
    EXPECT_EQ(got, sent);
  });
}

TEST_P(Udp, ADatagramWithoutBytesIsNoEnd) {
  in_fiber([] {
    udp_pair p;
    p.a.send({});
    std::byte room[4];
    const auto got = p.b.receive_from(room);
    EXPECT_EQ(got.size, 0U);
    EXPECT_FALSE(got.truncated);
    EXPECT_EQ(got.from, p.a.local_endpoint());
  });
}

TEST_P(Udp, WhatDoesNotFitIsToldAndLost) {
  in_fiber([] {
    udp_pair p;
    const auto sent = patterned(2, 100);
    p.a.send(sent);
    p.a.send(sent);
    p.a.send(std::span(sent).first(10));
    std::vector<std::byte> room(10);
    const auto first = p.b.receive_from(room);
    EXPECT_EQ(first.size, 10U);
    EXPECT_TRUE(first.truncated);
    EXPECT_EQ(room, std::vector(sent.begin(), sent.begin() + 10));
    EXPECT_TRUE(p.b.receive({}).truncated) << "no room at all takes a datagram all the same";
    EXPECT_FALSE(p.b.receive(room).truncated);
  });
}

TEST_P(Udp, ADatagramTooLongIsRefused) {
  in_fiber([] {
    udp_pair p;
    std::error_code error;
    p.a.send(std::vector<std::byte>(70000), error);
    EXPECT_EQ(error, std::errc::message_size);
    EXPECT_THROW(p.a.send(std::vector<std::byte>(70000)), std::system_error);
  });
}

TEST_P(Udp, OnlyThePeerIsHeardUntilItIsTakenAway) {
  in_fiber([] {
    udp_pair p;
    auto stranger = bound_anywhere();
    const std::byte from_stranger{1}, from_peer{2};
    std::byte got{};
    stranger.send_to({&from_stranger, 1}, p.b.local_endpoint());
    p.a.send({&from_peer, 1});
    EXPECT_EQ(p.b.receive({&got, 1}).size, 1U);
    EXPECT_EQ(got, from_peer);
    EXPECT_EQ(p.b.remote_endpoint(), p.a.local_endpoint());

    p.b.clear_peer();
    std::error_code error;
    p.b.remote_endpoint(error);
    EXPECT_EQ(error, std::errc::not_connected);
    p.b.send({&got, 1}, error);
    EXPECT_EQ(error, std::errc::destination_address_required);
    p.b.send_to({&from_peer, 1}, stranger.local_endpoint());
    const endpoint now_at = stranger.receive_from({&got, 1}).from;
    EXPECT_EQ(now_at, p.b.local_endpoint());
    stranger.send_to({&from_stranger, 1}, now_at);
    EXPECT_EQ(p.b.receive_from({&got, 1}).from, stranger.local_endpoint());
    EXPECT_EQ(got, from_stranger);
  });
}

TEST_P(Udp, APeerThatIsGoneRefuses) {
  in_fiber([] {
    auto gone = bound_anywhere();
    auto s = udp_socket::connect(gone.local_endpoint());
    gone.close();
    std::byte one{};
    auto reader = weft::spawn([&] {
      std::byte got{};
      std::error_code error;
      s.receive({&got, 1}, error);
      return error;
    });
    wait_until_parked(s.native_handle(), 1);
    s.send({&one, 1});
    EXPECT_EQ(reader.join(), std::errc::connection_refused);
  });
}

TEST_P(Udp, SeveralReceiversEachGetTheirDatagram) {
  in_fiber([] {
    udp_pair p;
    std::vector<weft::fiber<std::uint64_t>> receivers;
    for (int i = 0; i < 8; ++i) {
      receivers.push_back(weft::spawn({.name = "receiver", .spread = true}, [&] {
        std::uint64_t got = 0;
        EXPECT_EQ(p.b.receive(writable_bytes_of(got)).size, sizeof got);
        return got;
      }));
    }
    wait_until_parked(p.b.native_handle(), 8);
    std::uint64_t sum = 0;
    for (std::uint64_t i = 1; i <= 8; ++i) {
      p.a.send(bytes_of(i));
    }
    for (auto& r : receivers) {
      sum += r.join();
    }
    EXPECT_EQ(sum, 36U);
  });
}

TEST_P(Udp, SeveralSendersAreNeverRefused) {
  in_fiber([] {
    udp_pair p;
    constexpr int senders = 8, each = 50;
    std::vector<weft::fiber<int>> all;
    for (int i = 0; i < senders; ++i) {
      all.push_back(weft::spawn({.name = "sender", .spread = true}, [&p] {
        int failed = 0;
        for (std::uint64_t k = 0; k < each; ++k) {
          std::error_code error;
          p.a.send(bytes_of(k), error);
          failed += error ? 1 : 0;
          weft::this_fiber::yield();
        }
        return failed;
      }));
    }
    for (auto& s : all) {
      EXPECT_EQ(s.join(), 0);
    }
  });
}

// The first finds no room and waits; an edge wakes it, which lets the next one try, and so on.
TEST_P(Udp, AllSendersThatWaitForRoomAreWoken) {
  in_fiber([] {
    udp_pair p;
    std::vector<weft::fiber<>> all;
    {
      const planned_faults full(call::send_message, {.error = EAGAIN}, 0, 5);
      for (int i = 0; i < 5; ++i) {
        all.push_back(weft::spawn([&p] { p.a.send(bytes_of(std::uint64_t{7})); }));
      }
      for (auto& s : all) {
        s.join();
      }
      EXPECT_GE(planned_faults::calls(), 10);
    }
    for (int i = 0; i < 5; ++i) {
      std::uint64_t got = 0;
      EXPECT_EQ(p.b.receive(writable_bytes_of(got)).size, sizeof got);
    }
  });
}

TEST_P(Udp, BatchesCarryWhatSingleCallsDo) {
  in_fiber([] {
    auto a = bound_anywhere(), b = bound_anywhere();
    constexpr std::size_t count = 70;  // more than one system call takes
    std::vector<std::vector<std::byte>> data;
    std::vector<outgoing_datagram> out;
    for (std::size_t i = 0; i < count; ++i) {
      data.push_back(patterned(i, i));
    }
    for (const auto& d : data) {
      out.push_back({d, b.local_endpoint()});
    }
    EXPECT_EQ(a.send_batch(out), count);
    std::vector<std::vector<std::byte>> rooms(count, std::vector<std::byte>(60));
    std::vector<incoming_datagram> in;
    for (auto& r : rooms) {
      in.push_back({r});
    }
    std::size_t have = 0;
    while (have < count) {
      const std::size_t got = b.receive_batch(std::span(in).subspan(have));
      ASSERT_GE(got, 1U);
      have += got;
    }
    for (std::size_t i = 0; i < count; ++i) {
      const auto& r = in[i].received;
      EXPECT_EQ(r.size, std::min<std::size_t>(i, 60));
      EXPECT_EQ(r.truncated, i > 60);
      EXPECT_EQ(r.from, a.local_endpoint());
      rooms[i].resize(r.size);
      EXPECT_TRUE(std::equal(rooms[i].begin(), rooms[i].end(), data[i].begin()));
    }
  });
}

TEST_P(Udp, ABatchTellsHowFarItCame) {
  in_fiber([] {
    udp_pair p;
    const std::vector<std::byte> small(10), large(70000);
    const outgoing_datagram out[] = {{small}, {small}, {large}, {small}};
    std::error_code error;
    EXPECT_EQ(p.a.send_batch(out, error), 2U);
    EXPECT_EQ(error, std::errc::message_size);
    EXPECT_THROW(p.a.send_batch(out), std::system_error);
    const planned_faults one_at_a_time(call::send_messages, {.limit = 1}, 0, 100);
    EXPECT_EQ(p.a.send_batch(std::span(out).first(2)), 2U);
    EXPECT_EQ(planned_faults::calls(), 2);
    EXPECT_EQ(p.a.send_batch({}), 0U);
    EXPECT_EQ(p.b.receive_batch({}), 0U);
  });
}

TEST_P(Udp, ABatchWaitsForTheFirstOnly) {
  in_fiber([] {
    udp_pair p;
    std::byte rooms[4];
    incoming_datagram in[] = {{{&rooms[0], 1}}, {{&rooms[1], 1}}, {{&rooms[2], 1}}, {{&rooms[3], 1}}};
    auto receiver = weft::spawn([&] { return p.b.receive_batch(in); });
    wait_until_parked(p.b.native_handle(), 1);
    const std::byte one{5};
    p.a.send({&one, 1});
    EXPECT_EQ(receiver.join(), 1U);
    EXPECT_EQ(rooms[0], one);
  });
}

TEST_P(Udp, InterruptedCallsAreMadeAgain) {
  in_fiber([] {
    for (const call which : {call::receive_message, call::send_message, call::receive_messages, call::send_messages}) {
      const planned_faults faults(which, {.error = EINTR}, 0, 3);
      udp_pair p;
      std::byte one{};
      const outgoing_datagram out[] = {{{&one, 1}}};
      incoming_datagram in[] = {{{&one, 1}}};
      p.a.send({&one, 1});
      EXPECT_EQ(p.b.receive({&one, 1}).size, 1U);
      EXPECT_EQ(p.a.send_batch(out), 1U);
      EXPECT_EQ(p.b.receive_batch(in), 1U);
      EXPECT_EQ(planned_faults::calls(), 4);
    }
  });
}

TEST_P(Udp, FailuresAreToldAndLeaveNoDescriptor) {
  in_fiber([] {
    auto at = bound_anywhere();
    std::error_code error;
    EXPECT_FALSE(udp_socket::bind(at.local_endpoint(), error).is_open());
    EXPECT_EQ(error, std::errc::address_in_use);
    EXPECT_THROW(udp_socket::bind(at.local_endpoint()), std::system_error);
    EXPECT_FALSE(udp_socket::bind(endpoint::parse("unix:@x"), error).is_open());
    EXPECT_EQ(error, std::errc::address_family_not_supported);
    EXPECT_FALSE(udp_socket::connect({}, error).is_open());
    EXPECT_EQ(error, std::errc::address_family_not_supported);
    {
      const planned_faults faults(call::socket, {.error = EMFILE}, 0, 2);
      udp_socket::bind(endpoint::parse("127.0.0.1:0"), error);
      EXPECT_EQ(error, std::errc::too_many_files_open);
      udp_socket::connect(at.local_endpoint(), error);
      EXPECT_EQ(error, std::errc::too_many_files_open);
    }
    const planned_faults faults(call::connect, {.error = ENETUNREACH});
    EXPECT_FALSE(udp_socket::connect(at.local_endpoint(), error).is_open());
    EXPECT_EQ(error, std::errc::network_unreachable);
  });
}

TEST_P(Udp, SeveralSocketsMayShareAnAddressOnRequest) {
  in_fiber([] {
    auto first = udp_socket::bind(endpoint::parse("127.0.0.1:0"), {.reuse_port = true});
    std::error_code error;
    EXPECT_TRUE(udp_socket::bind(first.local_endpoint(), {.reuse_port = true}, error).is_open());
    EXPECT_FALSE(error);
    udp_socket::bind(first.local_endpoint(), error);
    EXPECT_EQ(error, std::errc::address_in_use);
  });
}

TEST_P(Udp, StopsAndTimesEndAllWaitsAndTheSocketGoesOn) {
  in_fiber([] {
    udp_pair p;
    std::byte one{};
    incoming_datagram in[] = {{{&one, 1}}};
    std::error_code error;
    expect_cancelled([&] { p.a.receive({&one, 1}); });
    expect_cancelled([&] { p.a.receive_from({&one, 1}, error); });
    expect_cancelled([&] { p.a.receive_batch(in); });
    expect_cancelled([&] { p.a.receive_batch(in, error); });
    {
      const planned_faults full(call::send_message, {.error = EAGAIN}, 0, 1 << 30);
      expect_cancelled([&] { p.a.send({&one, 1}); });
      p.a.set_timeout(1ms);
      p.a.send({&one, 1}, error);
      EXPECT_EQ(error, std::errc::timed_out);
    }
    {
      const planned_faults full(call::send_messages, {.error = EAGAIN}, 0, 1 << 30);
      const outgoing_datagram out[] = {{{&one, 1}}};
      EXPECT_EQ(p.a.send_batch(out, error), 0U);
      EXPECT_EQ(error, std::errc::timed_out);
    }
    p.a.receive({&one, 1}, error);
    EXPECT_EQ(error, std::errc::timed_out);
    p.a.set_timeout(0ms);
    EXPECT_EQ(p.a.receive_batch(in, error), 0U);
    EXPECT_EQ(error, std::errc::timed_out);
    p.a.clear_timeout();
    p.b.send({&one, 1});
    EXPECT_EQ(p.a.receive({&one, 1}).size, 1U);
  });
}

TEST_P(Udp, ClosingEndsAllWhoWait) {
  in_fiber([] {
    udp_pair p;
    std::vector<weft::fiber<std::error_code>> all;
    const planned_faults full(call::send_message, {.error = EAGAIN}, 0, 1 << 30);
    for (int i = 0; i < 3; ++i) {
      all.push_back(weft::spawn([&] {
        std::byte one{};
        std::error_code error;
        p.a.receive({&one, 1}, error);
        return error;
      }));
      all.push_back(weft::spawn([&] {
        const std::byte one{};
        std::error_code error;
        p.a.send({&one, 1}, error);
        return error;
      }));
    }
    wait_until_parked(p.a.native_handle(), 6);
    p.a.close();
    for (auto& f : all) {
      EXPECT_EQ(f.join(), std::errc::operation_canceled);
    }
    std::byte one{};
    std::error_code error;
    p.a.receive({&one, 1}, error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
    p.a.send({&one, 1}, error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
    p.a.set_peer(p.b.local_endpoint(), error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
  });
}

TEST(UdpTakenOver, OnlyDatagramSocketsOverIp) {
  std::error_code error;
  auto good = udp_socket::from_native(::socket(AF_INET, SOCK_DGRAM, 0), error);
  EXPECT_FALSE(error);
  EXPECT_TRUE(good.is_open());
  const int stream = ::socket(AF_INET, SOCK_STREAM, 0), local = ::socket(AF_UNIX, SOCK_DGRAM, 0);
  udp_socket::from_native(stream, error);
  EXPECT_EQ(error, std::errc::wrong_protocol_type);
  udp_socket::from_native(local, error);
  EXPECT_EQ(error, std::errc::address_family_not_supported);
  EXPECT_EQ(::close(stream), 0);
  EXPECT_EQ(::close(local), 0);
}

TEST(UdpOnPlainThreads, WaitsForDataTimeAndClose) {
  udp_pair p;
  std::byte one{};
  std::error_code error;
  p.a.set_timeout(1ms);
  p.a.receive({&one, 1}, error);
  EXPECT_EQ(error, std::errc::timed_out);
  p.a.clear_timeout();
  std::thread receiver([&] { EXPECT_EQ(p.a.receive({&one, 1}).size, 1U); });
  p.b.send(bytes_of(std::byte{6}));
  receiver.join();
  EXPECT_EQ(one, std::byte{6});
}

}  // namespace
