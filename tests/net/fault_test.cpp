// Everyday failures of system calls, planted at the k-th call: they are hidden, or told, but never lose data or descriptors.
#include <array>  // array

#include <netinet/in.h>  // sockaddr_in, IPPROTO_SCTP
#include <sys/socket.h>  // socket, bind, listen, connect, accept
#include <unistd.h>      // close

#include <gtest/gtest.h>
#include <weft/net/wait.hpp>

#include "io/faults.hpp"
#include "net/loopback.hpp"
#include "net/numbers.hpp"

namespace {

using namespace weft_test;
using weft::detail::os::call;
using weft::net::tcp_listener;
using weft::net::tcp_stream;

void exchange(stream_pair& p, std::size_t size) {
  auto sender = weft::spawn([&] {
    p.server.write_all(patterned(6, size));
    p.server.shutdown_write();
  });
  std::vector<std::byte> got(size);
  p.client.read_exactly(got);
  EXPECT_EQ(got, patterned(6, size));
  sender.join();
}

class Faults : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, Faults, testing::Values(1U, 2U));

TEST_P(Faults, InterruptedCallsAreMadeAgain) {
  weft::run(workers(GetParam()), [] {
    for (const call which : {call::recv, call::send, call::accept}) {
      for (int k = 0; k < 6; ++k) {
        const planned_faults faults(which, {.error = EINTR}, k, 3);
        stream_pair p = connected_pair();
        exchange(p, 100000);
      }
    }
  });
}

TEST_P(Faults, SpuriousEagainIsCuredByTheNextEdgeOrTime) {
  weft::run(workers(GetParam()), [] {
    for (int k = 0; k < 6; ++k) {
      const planned_faults faults(call::send, {.error = EAGAIN}, k);
      stream_pair p = connected_pair();  // room for writing is an edge of the registration itself
      exchange(p, 100000);
    }
  });
}

TEST_P(Faults, OneByteAtATimeArrivesWhole) {
  weft::run(workers(GetParam()), [] {
    for (const call which : {call::recv, call::send}) {
      const planned_faults faults(which, {.limit = 1}, 0, 1 << 30);
      stream_pair p = connected_pair();
      exchange(p, 3000);
      EXPECT_GE(planned_faults::calls(), 3000);
    }
  });
}

TEST_P(Faults, ResetIsToldAtEveryPointOfATransfer) {
  weft::run(workers(GetParam()), [] {
    const int before = open_numbers("socket:");
    for (int k = 0; k < 8; ++k) {
      stream_pair p = connected_pair();
      auto sender = weft::spawn([&] {
        std::error_code error;
        p.server.write_all(patterned(1, 8 << 20), error);
        return error;
      });
      std::vector<std::byte> buffer(8 << 20);
      std::error_code error;
      {
        const planned_faults faults(call::recv, {.error = ECONNRESET}, k);
        p.client.read_exactly(buffer, error);
        if (planned_faults::calls() > k) {
          EXPECT_EQ(error, std::errc::connection_reset);
        } else {
          EXPECT_FALSE(error);  // it was done with fewer calls
        }
      }
      p.client.close();
      sender.join();
    }
    EXPECT_EQ(open_numbers("socket:"), before);
  });
}

TEST_P(Faults, AFullDescriptorTableIsToldAndTheConnectionStaysForLater) {
  weft::run(workers(GetParam()), [] {
    auto listener = listen_anywhere();
    auto client = tcp_stream::connect(listener.local_endpoint());
    std::error_code error;
    {
      const planned_faults faults(call::accept, {.error = EMFILE});
      EXPECT_FALSE(listener.accept(error).is_open());
      EXPECT_EQ(error, std::errc::too_many_files_open);
    }
    EXPECT_TRUE(listener.accept().is_open());
    const planned_faults faults(call::socket, {.error = EMFILE}, 0, 2);
    EXPECT_FALSE(tcp_stream::connect(listener.local_endpoint(), error).is_open());
    EXPECT_EQ(error, std::errc::too_many_files_open);
    tcp_listener::bind(listener.local_endpoint(), error);
    EXPECT_EQ(error, std::errc::too_many_files_open);
  });
}

TEST_P(Faults, DeadConnectionsInTheBacklogAreSkipped) {
  weft::run(workers(GetParam()), [] {
    for (const int error : {ECONNABORTED, EPROTO, ENETDOWN, EHOSTUNREACH}) {
      const planned_faults faults(call::accept, {.error = error}, 0, 3);
      auto listener = listen_anywhere();
      auto client = tcp_stream::connect(listener.local_endpoint());
      EXPECT_TRUE(listener.accept().is_open());
    }
  });
}

TEST_P(Faults, AFailedConnectIsToldAndLeavesNoDescriptor) {
  weft::run(workers(GetParam()), [] {
    auto listener = listen_anywhere();
    const int before = open_numbers("socket:");
    for (const int planted : {ECONNREFUSED, EADDRNOTAVAIL, ENETUNREACH}) {
      const planned_faults faults(call::connect, {.error = planted});
      std::error_code error;
      tcp_stream::connect(listener.local_endpoint(), error);
      EXPECT_EQ(error.value(), planted);
    }
    for (const int planted : {EACCES, EADDRINUSE}) {
      const planned_faults faults(call::bind, {.error = planted});
      std::error_code error;
      tcp_listener::bind(listener.local_endpoint(), error);
      EXPECT_EQ(error.value(), planted);
    }
    EXPECT_EQ(open_numbers("socket:"), before);
  });
}

TEST_P(Faults, NoRegistrationMeansAnErrorAndNoLeak) {
  weft::run(workers(GetParam()), [] {
    stream_pair p = connected_pair();  // the accepted end has not waited, so it is not registered
    const int before = open_numbers("socket:");
    std::byte one{};
    std::error_code error;
    for (const int planted : {ENOMEM, ENOSPC}) {
      const planned_faults faults(with_uring() ? call::uring_entry : call::epoll_add, {.error = planted}, 0, 1000);
      p.server.read_some({&one, 1}, error);
      EXPECT_EQ(error.value(), planted);
      EXPECT_FALSE(weft::net::wait_readable_for(p.server.native_handle(), 10s, error));
      EXPECT_EQ(error.value(), planted);
    }
    EXPECT_EQ(open_numbers("socket:"), before);
    p.client.write_all({&one, 1});
    EXPECT_EQ(p.server.read_some({&one, 1}), 1U);
  });
}

TEST_P(Faults, NoPollerMeansAnErrorAndLaterSuccess) {
  weft::run(workers(GetParam()), [] {
    auto listener = listen_anywhere();
    listener.set_timeout(1ms);
    std::error_code error;
    {
      const planned_faults faults(with_uring() ? call::uring_setup : call::epoll_create, {.error = EMFILE}, 0, 1000);
      listener.accept(error);
      EXPECT_EQ(error, std::errc::too_many_files_open);
    }
    listener.accept(error);
    EXPECT_EQ(error, std::errc::timed_out);
  });
}

TEST_P(Faults, NoRoomForAForeignDescriptorMeansAnError) {
  weft::run(workers(GetParam()), [] {
    stream_pair p = connected_pair();
    std::error_code error;
    const planned_faults faults(with_uring() ? call::uring_entry : call::duplicate, {.error = EMFILE});
    weft::net::wait_readable(p.client.native_handle(), error);
    EXPECT_EQ(error, std::errc::too_many_files_open);
  });
}

TEST(FaultsOnAPlainThread, AnInterruptedPollGoesOn) {
  stream_pair p = connected_pair();
  std::byte one{};
  std::error_code error;
  p.client.set_timeout(1ms);
  const planned_faults faults(call::poll, {.error = EINTR}, 0, 2);
  p.client.read_some({&one, 1}, error);
  EXPECT_EQ(error, std::errc::timed_out);
  EXPECT_GE(planned_faults::calls(), 3);
}

TEST(FaultsOnAPlainThread, AFailedPollIsTold) {
  stream_pair p = connected_pair();
  std::byte one{};
  std::error_code error;
  const planned_faults faults(call::poll, {.error = ENOMEM});
  p.client.read_some({&one, 1}, error);
  EXPECT_EQ(error, std::errc::not_enough_memory);
}

// How often a read that finds nothing asks the system, after one that got less than it asked for.
int receives_after_a_short_read(tcp_stream& from, tcp_stream& to) {
  std::array<std::byte, 100> buffer;
  to.write_all(std::span(buffer).first(10));
  EXPECT_EQ(from.read_some(buffer), 10U);
  from.set_timeout(0ms);
  std::error_code error;
  const planned_faults only_counted(call::recv, {}, 0, 0);
  from.read_some(buffer, error);
  EXPECT_EQ(error, std::errc::timed_out);
  return planned_faults::calls();
}

// A connected pair of another protocol, by plain system calls; without descriptors where the system has it not.
std::array<int, 2> native_pair(int protocol) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, protocol);
  if (listener < 0) {
    return {-1, -1};
  }
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  auto* const address = reinterpret_cast<sockaddr*>(&at);
  EXPECT_EQ(::bind(listener, address, size), 0);
  EXPECT_EQ(::listen(listener, 1), 0);
  EXPECT_EQ(::getsockname(listener, address, &size), 0);
  const int near = ::socket(AF_INET, SOCK_STREAM, protocol);
  EXPECT_EQ(::connect(near, address, size), 0);
  const int far = ::accept(listener, nullptr, nullptr);
  EXPECT_EQ(::close(listener), 0);
  return {near, far};
}

// That a short read has emptied the socket is a rule of TCP; other streams over IP make no such promise.
TEST(TakenOver, OnlyTcpStreamsTakeAShortReadForTheLast) {
  stream_pair tcp = connected_pair();
  EXPECT_EQ(receives_after_a_short_read(tcp.client, tcp.server), 1) << "the last try after the time";
  int tried = 0;
  for (const int protocol : {int{IPPROTO_SCTP}, 262 /* Multipath TCP */}) {
    const auto [near, far] = native_pair(protocol);
    if (near >= 0 && far >= 0) {
      ++tried;
      auto a = tcp_stream::from_native(near), b = tcp_stream::from_native(far);
      EXPECT_EQ(receives_after_a_short_read(a, b), 2) << "protocol " << protocol;
    }
  }
  if (tried == 0) {
    GTEST_SKIP() << "no stream protocol besides TCP here";
  }
}

// Every wake-up of an acceptor is a call of accept: the one that gets the connection, and the next, which it lets look.
// A ring has made its call already: the kernel picks one of those that wait.
TEST(Herd, OneConnectionWakesTwoOfManyAcceptorsAtMost) {
  weft::run(workers(4), [] {
    auto listener = listen_anywhere();
    std::vector<weft::fiber<bool>> acceptors;
    weft::detail::atomic<int> begun{0};
    for (int i = 0; i < 16; ++i) {
      acceptors.push_back(weft::spawn({.name = "acceptor", .spread = true}, [&] {
        std::error_code error;
        begun.fetch_add(1, std::memory_order_relaxed);  // relaxed: a count, no data
        return listener.accept(error).is_open();
      }));
    }
    while (begun.load(std::memory_order_relaxed) < 16) {  // relaxed: as the addition
      weft::this_fiber::yield();
    }
    weft::this_fiber::sleep_for(20ms);  // all wait now; who is late even so finds no token and makes no call either
    const planned_faults only_counted(call::accept, {}, 0, 0);
    auto client = tcp_stream::connect(listener.local_endpoint());
    weft::this_fiber::sleep_for(20ms);
    EXPECT_GE(planned_faults::calls(), with_uring() ? 0 : 1);
    EXPECT_LE(planned_faults::calls(), 2);
    listener.close();
    int got = 0;
    for (auto& a : acceptors) {
      got += a.join() ? 1 : 0;
    }
    EXPECT_EQ(got, 1);
  });
}

// errno is shared by the fibers of a worker and may be cached by compilers: it must never live across a suspension.
TEST_P(Faults, ErrorsOfTwoFibersNeverCross) {
  const int laps = rounds(100000, 5000);
  weft::run(workers(GetParam()), [&] {
    auto bad_number = weft::spawn([&] {
      int wrong = 0;
      for (int i = 0; i < laps; ++i) {
        std::error_code error;
        weft::net::wait_readable(1 << 29, error);  // EBADF from the system
        errno = EBADF;
        wrong += error == std::errc::bad_file_descriptor ? 0 : 1;
        weft::this_fiber::yield();
      }
      return wrong;
    });
    auto wrong_kind = weft::spawn([&] {
      int wrong = 0;
      for (int i = 0; i < laps; ++i) {
        std::error_code error;
        tcp_stream::from_native(0, error);  // standard input is no socket here: ENOTSOCK, or EBADF when closed
        errno = ENOTSOCK;
        wrong += error == std::errc::not_a_socket || error == std::errc::bad_file_descriptor ? 0 : 1;
        weft::this_fiber::yield();
      }
      return wrong;
    });
    auto pair = connected_pair();
    pair.server.close();
    std::byte one{};
    auto broken_pipe = weft::spawn([&] {
      int wrong = 0;
      std::error_code error;
      while (!error) {
        pair.client.write_some({&one, 1}, error);  // until the reset is known
        weft::this_fiber::yield();
      }
      for (int i = 0; i < laps; ++i) {
        pair.client.write_some({&one, 1}, error);
        wrong += error == std::errc::broken_pipe ? 0 : 1;
        weft::this_fiber::yield();
      }
      return wrong;
    });
    EXPECT_EQ(bad_number.join(), 0);
    EXPECT_EQ(wrong_kind.join(), 0);
    EXPECT_EQ(broken_pipe.join(), 0);
  });
}

TEST(FreePort, ThatAnotherListenerTookMeanwhileIsReplacedByTheNext) {
  const planned_faults taken(call::listen, {.error = EADDRINUSE}, 0, 3);
  const auto listener = listen_anywhere();
  EXPECT_NE(listener.local_endpoint().port(), 0);
  EXPECT_EQ(planned_faults::calls(), 4);
}

TEST(FreePort, IsNotSoughtForEverNorInPlaceOfTheOneAskedFor) {
  const planned_faults taken(call::listen, {.error = EADDRINUSE}, 0, 1000);
  std::error_code error;
  weft::net::tcp_listener::bind(weft::net::endpoint::parse("127.0.0.1:0"), error);
  EXPECT_EQ(error, std::errc::address_in_use);
  const int before = planned_faults::calls();
  EXPECT_LE(before, 100);
  weft::net::tcp_listener::bind(weft::net::endpoint::parse("127.0.0.1:9"), error);
  EXPECT_TRUE(error);  // no right to that port, or it is in use
  EXPECT_LE(planned_faults::calls(), before + 1);
}

}  // namespace
