// Unix stream sockets between fibers: what they share with TCP's, and what is their own.
#include <cstdlib>  // mkdtemp
#include <string>   // string
#include <thread>   // thread

#include <sys/socket.h>  // socketpair
#include <unistd.h>      // getpid, unlink, rmdir

#include <gtest/gtest.h>
#include <weft/net/error.hpp>
#include <weft/net/unix_listener.hpp>
#include <weft/net/unix_stream.hpp>

#include "io/faults.hpp"
#include "net/loopback.hpp"
#include "net/numbers.hpp"
#include "net/waits.hpp"

namespace {

using namespace weft_test;
using weft::net::endpoint;
using weft::net::unix_listener;
using weft::net::unix_stream;

class Unix : public testing::TestWithParam<unsigned> {
 protected:
  template <class F>
  void in_fiber(F&& f) {
    weft::run(workers(GetParam()), std::forward<F>(f));
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, Unix, testing::Values(1U, 2U));

struct unix_pair {
  unix_stream client, server;
};
unix_pair connected_unix_pair() {
  auto listener = unix_listener::bind(fresh_name());
  auto client = unix_stream::connect(listener.local_endpoint());
  auto server = listener.accept();
  return {std::move(client), std::move(server)};
}

// A listener that takes no further connection until one is accepted, and the connections that wait there.
struct full_listener {
  unix_listener listener = unix_listener::bind(fresh_name(), {.backlog = 0});
  std::vector<unix_stream> held;
  full_listener() {
    std::error_code error;
    while (!error) {
      held.push_back(unix_stream::connect_for(listener.local_endpoint(), 0ms, error));
    }
    EXPECT_EQ(error, std::errc::timed_out);
    EXPECT_FALSE(held.back().is_open());
    held.pop_back();
  }
};

class temporary_folder {
 public:
  temporary_folder() { EXPECT_NE(::mkdtemp(path_.data()), nullptr); }
  ~temporary_folder() { EXPECT_EQ(::rmdir(path_.c_str()), 0) << path_; }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  std::string file(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_ = testing::TempDir() + "weft_XXXXXX";
};

const std::vector<std::byte>& more_than_buffers_hold() {
  static const std::vector<std::byte> data(8 << 20);
  return data;
}

TEST_P(Unix, MegabytesEachWayAtOnceArriveWhole) {
  const std::size_t size = static_cast<std::size_t>(rounds(8, 2)) << 20;
  in_fiber([&] {
    unix_pair p = connected_unix_pair();
    auto send = [&](unix_stream& s, std::uint64_t key) {
      s.write_all(patterned(key, size));
      s.shutdown_write();
    };
    auto receive = [&](unix_stream& s, std::uint64_t key) {
      std::vector<std::byte> got(size);
      s.read_exactly(got);
      EXPECT_EQ(got, patterned(key, size));
      std::byte more{};
      EXPECT_EQ(s.read_some({&more, 1}), 0U);
      std::error_code error;
      EXPECT_EQ(s.read_exactly({&more, 1}, error), 0U);
      EXPECT_EQ(error, weft::net::error::end_of_stream);
    };
    auto a = weft::spawn([&] { send(p.client, 1); });
    auto b = weft::spawn([&] { send(p.server, 2); });
    auto c = weft::spawn([&] { receive(p.server, 1); });
    receive(p.client, 2);
    a.join();
    b.join();
    c.join();
  });
}

TEST_P(Unix, ManyClientsOfOnePathGetTheirOwnAnswers) {
  const int clients = rounds(200, 40);
  in_fiber([&] {
    const temporary_folder folder;
    const std::string path = folder.file("socket");
    auto listener = unix_listener::bind(endpoint::parse("unix:" + path));
    EXPECT_EQ(listener.local_endpoint().to_string(), "unix:" + path);
    auto server = weft::spawn([&] {
      std::vector<weft::fiber<>> sessions;
      for (int i = 0; i < clients; ++i) {
        sessions.push_back(weft::spawn({.name = "session", .spread = true}, [s = listener.accept()]() mutable {
          std::array<std::byte, 64> buffer;
          while (const std::size_t n = s.read_some(buffer)) {
            s.write_all(std::span(buffer).first(n));
          }
        }));
      }
      for (auto& s : sessions) {
        s.join();
      }
    });
    std::vector<weft::fiber<bool>> all;
    for (int i = 0; i < clients; ++i) {
      all.push_back(weft::spawn({.name = "client", .spread = true}, [&listener, i] {
        auto s = unix_stream::connect(listener.local_endpoint());
        const auto sent = patterned(static_cast<std::uint64_t>(i), 200);
        std::vector<std::byte> got(sent.size());
        s.write_all(sent);
        s.read_exactly(got);
        return got == sent;
      }));
    }
    for (auto& c : all) {
      EXPECT_TRUE(c.join());
    }
    server.join();
    EXPECT_EQ(::unlink(path.c_str()), 0);
  });
}

TEST_P(Unix, EndpointsAreTheNamesOfBothEnds) {
  in_fiber([] {
    auto listener = unix_listener::bind(fresh_name());
    auto client = unix_stream::connect(listener.local_endpoint());
    auto server = listener.accept();
    EXPECT_EQ(client.remote_endpoint(), listener.local_endpoint());
    EXPECT_EQ(server.local_endpoint(), listener.local_endpoint());
    EXPECT_EQ(client.local_endpoint().to_string(), "unix:");
    EXPECT_EQ(server.remote_endpoint().to_string(), "unix:");
  });
}

TEST_P(Unix, ThePathIsInUseAsLongAsItsFileIsThere) {
  in_fiber([] {
    const temporary_folder folder;
    const std::string path = folder.file("socket");
    const endpoint at = endpoint::parse("unix:" + path);
    std::error_code error;
    EXPECT_FALSE(unix_stream::connect(at, error).is_open());
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
    auto listener = unix_listener::bind(at);
    unix_listener::bind(at, error);
    EXPECT_EQ(error, std::errc::address_in_use);
    listener.close();
    unix_listener::bind(at, error);
    EXPECT_EQ(error, std::errc::address_in_use);
    try {
      unix_stream::connect(at);
      ADD_FAILURE() << "connected to nobody";
    } catch (const std::system_error& e) {
      EXPECT_EQ(e.code(), std::errc::connection_refused);
      EXPECT_NE(std::string(e.what()).find(path), std::string::npos);
    }
    EXPECT_EQ(::unlink(path.c_str()), 0);
    EXPECT_TRUE(unix_listener::bind(at, error).is_open());
    EXPECT_EQ(::unlink(path.c_str()), 0);
  });
}

TEST_P(Unix, WaitsEndWithTheirTime) {
  in_fiber([] {
    unix_pair p = connected_unix_pair();
    std::byte one{};
    std::error_code error;
    p.client.set_timeout(5ms);
    p.client.read_some({&one, 1}, error);
    EXPECT_EQ(error, std::errc::timed_out);
    p.client.read_exactly({&one, 1}, error);
    EXPECT_EQ(error, std::errc::timed_out);
    const std::size_t sent = p.client.write_all(more_than_buffers_hold(), error);
    EXPECT_EQ(error, std::errc::timed_out);
    EXPECT_GT(sent, 0U);
    p.client.write_some({&one, 1}, error);
    EXPECT_EQ(error, std::errc::timed_out);
    p.client.clear_timeout();
    p.server.write_all({&one, 1});
    EXPECT_EQ(p.client.read_some({&one, 1}), 1U);
    auto listener = unix_listener::bind(fresh_name());
    listener.set_timeout(5ms);
    listener.accept(error);
    EXPECT_EQ(error, std::errc::timed_out);
    const full_listener full;
    const auto start = std::chrono::steady_clock::now();
    unix_stream::connect_for(full.listener.local_endpoint(), 20ms, error);
    EXPECT_EQ(error, std::errc::timed_out);
    EXPECT_GE(std::chrono::steady_clock::now() - start, 20ms);
  });
}

TEST_P(Unix, ConnectWaitsForRoomInTheBacklog) {
  in_fiber([] {
    full_listener full;
    auto late = weft::spawn([&] { return unix_stream::connect(full.listener.local_endpoint()); });
    let_others_run();
    std::vector<unix_stream> accepted;
    for (std::size_t i = 0; i <= full.held.size(); ++i) {
      accepted.push_back(full.listener.accept());
    }
    unix_stream client = late.join();
    const std::byte sent{9};
    std::byte got{};
    client.write_all({&sent, 1});
    accepted.back().read_exactly({&got, 1});
    EXPECT_EQ(got, sent);
  });
}

TEST_P(Unix, StopsEndAllWaitsAndTheSocketsGoOn) {
  in_fiber([] {
    unix_pair p = connected_unix_pair();
    auto listener = unix_listener::bind(fresh_name());
    const full_listener full;
    std::byte one{};
    std::error_code error;
    expect_cancelled([&] { p.client.read_some({&one, 1}); });
    expect_cancelled([&] { p.client.read_exactly({&one, 1}, error); });
    p.server.write_all({&one, 1});
    EXPECT_EQ(p.client.read_some({&one, 1}), 1U);
    expect_cancelled([&] { p.server.write_all(more_than_buffers_hold()); });
    expect_cancelled([&] { p.server.write_all(more_than_buffers_hold(), error); });
    expect_cancelled([&] { listener.accept(); });
    expect_cancelled([&] { listener.accept(error); });
    expect_cancelled([&] { unix_stream::connect(full.listener.local_endpoint()); });
    expect_cancelled([&] { unix_stream::connect(full.listener.local_endpoint(), error); });
    auto client = unix_stream::connect(listener.local_endpoint());
    EXPECT_TRUE(listener.accept().is_open());
  });
}

TEST_P(Unix, ClosingEndsTheReaderTheWriterAndTheAcceptor) {
  in_fiber([] {
    unix_pair p = connected_unix_pair();
    auto listener = unix_listener::bind(fresh_name());
    auto reader = weft::spawn([&] {
      std::byte one{};
      std::error_code error;
      p.client.read_some({&one, 1}, error);
      return error;
    });
    auto writer = weft::spawn([&] {
      std::error_code error;
      p.client.write_all(more_than_buffers_hold(), error);
      return error;
    });
    auto acceptor = weft::spawn([&] {
      std::error_code error;
      listener.accept(error);
      return error;
    });
    wait_until_parked(p.client.native_handle(), 2);
    wait_until_parked(listener.native_handle(), 1);
    p.client.close();
    listener.close();
    EXPECT_EQ(reader.join(), std::errc::operation_canceled);
    EXPECT_EQ(writer.join(), std::errc::operation_canceled);
    EXPECT_EQ(acceptor.join(), std::errc::operation_canceled);
    EXPECT_FALSE(p.client.is_open());
    EXPECT_EQ(p.client.native_handle(), -1);
  });
}

TEST_P(Unix, ObjectsMayGoAsSoonAsTheirWaitHasReturned) {
  in_fiber([] {
    for (int i = 0; i < rounds(1000, 100); ++i) {
      unix_pair p = connected_unix_pair();
      auto reader = weft::spawn({.name = "reader", .spread = true}, [s = std::move(p.client)]() mutable {
        std::byte one{};
        return s.read_some({&one, 1});
      });
      if (i % 2 == 0) {
        weft::this_fiber::yield();
      }
      const std::byte one{};
      p.server.write_all({&one, 1});
      ASSERT_EQ(reader.join(), 1U);
    }
  });
}

TEST_P(Unix, InterruptedCallsAreMadeAgain) {
  in_fiber([] {
    using weft::detail::os::call;
    for (const call which : {call::connect, call::accept, call::send, call::recv}) {
      const planned_faults faults(which, {.error = EINTR}, 0, 2);
      unix_pair p = connected_unix_pair();
      std::uint64_t got = 0;
      p.client.write_all(bytes_of(std::uint64_t{3}));
      p.server.read_exactly(writable_bytes_of(got));
      EXPECT_EQ(got, 3U);
      EXPECT_GE(planned_faults::calls(), 3);
    }
  });
}

TEST_P(Unix, WhatIsNotUnixIsRefused) {
  in_fiber([] {
    std::error_code error;
    const endpoint ip = endpoint::parse("127.0.0.1:1");
    EXPECT_FALSE(unix_stream::connect(ip, error).is_open());
    EXPECT_EQ(error, std::errc::address_family_not_supported);
    EXPECT_FALSE(unix_listener::bind(ip, error).is_open());
    EXPECT_EQ(error, std::errc::address_family_not_supported);
    EXPECT_THROW(unix_listener::bind(endpoint{}), std::system_error);
    stream_pair tcp = connected_pair();
    EXPECT_FALSE(unix_stream::from_native(tcp.client.native_handle(), error).is_open());
    EXPECT_EQ(error, std::errc::address_family_not_supported);
    EXPECT_TRUE(tcp.client.is_open());
    const int datagrams = ::socket(AF_UNIX, SOCK_DGRAM, 0);
    EXPECT_FALSE(unix_stream::from_native(datagrams, error).is_open());
    EXPECT_EQ(error, std::errc::wrong_protocol_type);
    EXPECT_EQ(::close(datagrams), 0);
    EXPECT_THROW(unix_stream::from_native(-1), std::system_error);
  });
}

TEST_P(Unix, ATakenOverSocketpairIsAStream) {
  in_fiber([] {
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    auto a = unix_stream::from_native(fds[0]);
    auto b = unix_stream::from_native(fds[1]);
    EXPECT_EQ(a.native_handle(), fds[0]);
    std::uint64_t got = 0;
    auto reader = weft::spawn([&] { b.read_exactly(writable_bytes_of(got)); });
    a.write_all(bytes_of(std::uint64_t{17}));
    reader.join();
    EXPECT_EQ(got, 17U);
  });
}

TEST_P(Unix, ErrorsNameTheOperation) {
  in_fiber([] {
    unix_stream none;
    unix_listener nowhere;
    std::byte one{};
    const auto words_of = [](auto&& run) -> std::string {
      try {
        run();
      } catch (const std::system_error& e) {
        EXPECT_EQ(e.code(), std::errc::bad_file_descriptor);
        return e.what();
      }
      return "nothing";
    };
    EXPECT_TRUE(words_of([&] { none.read_some({&one, 1}); }).starts_with("unix_stream::read_some"));
    EXPECT_TRUE(words_of([&] { none.write_all({&one, 1}); }).starts_with("unix_stream::write_all"));
    EXPECT_TRUE(words_of([&] { none.shutdown_write(); }).starts_with("unix_stream::shutdown_write"));
    EXPECT_TRUE(words_of([&] { (void)none.remote_endpoint(); }).starts_with("unix_stream::remote_endpoint"));
    EXPECT_TRUE(words_of([&] { nowhere.accept(); }).starts_with("unix_listener::accept"));
    EXPECT_TRUE(words_of([&] { (void)nowhere.local_endpoint(); }).starts_with("unix_listener::local_endpoint"));
  });
}

TEST(UnixOnAPlainThread, ReadsWaitsAndTimesOut) {
  unix_pair p = connected_unix_pair();
  std::error_code error;
  std::uint64_t got = 0;
  p.client.set_timeout(5ms);
  p.client.read_some(writable_bytes_of(got), error);
  EXPECT_EQ(error, std::errc::timed_out);
  const full_listener full;
  unix_stream::connect_for(full.listener.local_endpoint(), 5ms, error);
  EXPECT_EQ(error, std::errc::timed_out);
  p.client.clear_timeout();
  std::thread reader([&] { p.client.read_exactly(writable_bytes_of(got)); });
  p.server.write_all(bytes_of(std::uint64_t{42}));
  reader.join();
  EXPECT_EQ(got, 42U);
}

}  // namespace
