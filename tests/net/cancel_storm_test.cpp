// Waits that are ended at any moment (stopped, timed out, closed) while what they wait for comes: it is had by the wait or by
// the next one, no buffer is touched after its operation, and nothing stays open.
#include <algorithm>   // all_of, equal
#include <csignal>     // raise, SIGKILL
#include <functional>  // function
#include <optional>    // optional
#include <vector>      // vector

#include <fcntl.h>  // F_SETPIPE_SZ

#include <gtest/gtest.h>
#include <weft/io/pipe.hpp>
#include <weft/io/process.hpp>
#include <weft/io/signal_set.hpp>
#include <weft/net/unix_listener.hpp>
#include <weft/net/unix_stream.hpp>
#include <weft/sync/semaphore.hpp>

#include "net/loopback.hpp"
#include "net/numbers.hpp"
#include "net/session.hpp"  // open_things
#include "support/scale.hpp"
#include "support/seeded_random.hpp"

namespace {

using namespace weft_test;
using weft::testing::seeded_random;
using weft::testing::stress_count;

class CancelStorm : public testing::TestWithParam<unsigned> {
 protected:
  // lap(random) as often as that, in a fiber.
  void storm(std::size_t laps, const std::function<void(seeded_random&)>& lap) {
    weft::run(workers(GetParam()), [&] {
      const open_things before;
      seeded_random drawn(GetParam());
      hang_guard guard;
      for (std::size_t i = 0; i < stress_count(laps) && !HasFailure(); ++i) {
        guard.goes_on("lap " + std::to_string(i));
        lap(drawn);
        if (HasFailure()) ADD_FAILURE() << "in lap " << i;
      }
      EXPECT_EQ(open_things(), before);
    });
  }
  static void pause(seeded_random& drawn) {
    const std::size_t us = drawn.below(100);
    if (us % 4 == 0) {
      for (std::size_t i = 0; i < us / 4; ++i) weft::this_fiber::yield();
    } else {
      weft::this_fiber::sleep_for(std::chrono::microseconds(us));
    }
  }
  // What f() returns in a fiber of its own that is stopped after a while; nothing if the stop ended it.
  template <class F>
  static auto stopped_after_a_while(seeded_random& drawn, F&& f, bool stop = true) {
    using result = std::invoke_result_t<F&>;
    auto fiber = weft::spawn({.name = "stopped", .spread = true}, [&f]() -> std::optional<result> {
      try {
        return f();
      } catch (const weft::cancelled&) {
        return std::nullopt;
      }
    });
    pause(drawn);
    if (stop) fiber.request_stop();
    return fiber.join();
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, CancelStorm, testing::Values(1U, 2U));

// Ends a TCP connection that its peer has not closed, or has closed for writing, so that no port of it rests for a minute:
// thousands of laps would use up the machine's.
template <class Stream>
void close_without_rest(Stream& s) {
  if constexpr (requires { s.set_linger(0s); }) s.set_linger(0s);
  s.close();
}

// A buffer between two walls, of which nobody else may write a byte once its operation has returned.
struct walled {
  static constexpr std::byte untouched{0x5a};
  static constexpr std::size_t wall = 64, size = 300;
  walled() { storage.fill(untouched); }
  std::span<std::byte> inside() { return std::span(storage).subspan(wall, size); }
  // Beyond the first n bytes inside, all is as it was.
  bool holds_only(std::size_t n) const {
    const auto clean = [this](std::size_t from, std::size_t to) {
      return std::all_of(storage.begin() + static_cast<long>(from), storage.begin() + static_cast<long>(to),
                         [](std::byte b) { return b == untouched; });
    };
    return clean(0, wall) && clean(wall + n, storage.size());
  }
  std::array<std::byte, size + 2 * wall> storage;
};

// One read in a fiber of its own, whose buffer is looked at again after others have run.
template <class Reader>
std::vector<std::byte> read_once(Reader& from) {
  walled buffer;
  std::error_code error;
  std::size_t n = 0;
  try {
    n = from.read_some(buffer.inside(), error);
  } catch (const weft::cancelled&) {
  }
  const walled as_left = buffer;
  let_others_run(3);
  EXPECT_TRUE(as_left.storage == buffer.storage) << "written to after the read had ended";
  EXPECT_TRUE(buffer.holds_only(n));
  return {buffer.inside().begin(), buffer.inside().begin() + static_cast<long>(n)};
}

template <class Reader, class Writer>
void end_a_read(seeded_random& drawn, Reader& reader, Writer& writer, const std::function<void()>& end_of_data) {
  const auto sent = patterned(drawn.below(1000), walled::size);
  const std::size_t how = drawn.below(3);
  if (how == 1) reader.set_timeout(std::chrono::microseconds(drawn.below(100)));
  auto reading = weft::spawn({.name = "reading", .spread = true}, [&] { return read_once(reader); });
  auto writing = weft::spawn([&] { writer.write_all(sent); });
  weft::this_fiber::sleep_for(std::chrono::microseconds(drawn.below(100)));
  if (how == 0) reading.request_stop();
  std::vector<std::byte> got = reading.join();
  writing.join();
  end_of_data();
  reader.clear_timeout();
  for (std::array<std::byte, 100> rest; const std::size_t n = reader.read_some(rest);) {
    got.insert(got.end(), rest.begin(), rest.begin() + static_cast<long>(n));
  }
  EXPECT_EQ(got, sent);
}

TEST_P(CancelStorm, OnReadsOfAPipe) {
  storm(700, [](seeded_random& drawn) {
    weft::pipe p;
    end_a_read(drawn, p.reader, p.writer, [&] { p.writer.close(); });
  });
}

TEST_P(CancelStorm, OnReadsOfSockets) {
  storm(500, [](seeded_random& drawn) {
    stream_pair p = connected_pair();
    end_a_read(drawn, p.server, p.client, [&] { p.client.shutdown_write(); });
    close_without_rest(p.server);
  });
}

// What arrives of a write that was ended is a beginning of what was to be written, and nothing of what is in the buffer later.
template <class Reader, class Writer>
void end_a_write(seeded_random& drawn, Reader& reader, Writer& writer, const std::function<void()>& end_of_data) {
  const std::uint64_t key = drawn.below(1000);
  auto written = patterned(key, 40'000);
  const std::size_t how = drawn.below(2);
  if (how == 1) writer.set_timeout(std::chrono::microseconds(drawn.below(100)));
  auto writing = weft::spawn({.name = "writing", .spread = true}, [&] {
    std::error_code error;
    try {
      writer.write_all(written, error);
    } catch (const weft::cancelled&) {
    }
    std::fill(written.begin(), written.end(), std::byte{0xff});
  });
  std::array<std::byte, 5000> part;
  std::size_t got = 0;
  bool right = true;
  const auto take = [&] {
    const std::size_t n = reader.read_some(part);
    for (std::size_t i = 0; i < n; ++i, ++got) right = right && part[i] == pattern(key, got);
    return n != 0;
  };
  weft::this_fiber::sleep_for(std::chrono::microseconds(drawn.below(50)));
  reader.set_timeout(0ms);
  std::error_code none_yet;
  const std::size_t first = reader.read_some(std::span(part).first(1), none_yet);
  for (; got < first; ++got) right = part[0] == pattern(key, 0);
  reader.clear_timeout();
  if (how == 0) writing.request_stop();
  // Of a write with neither end, the reader takes all; else it ends by itself.
  writing.join();
  end_of_data();
  while (take()) {
  }
  EXPECT_TRUE(right);
  EXPECT_LE(got, 40'000U);
}

TEST_P(CancelStorm, OnWritesToAPipe) {
  storm(400, [](seeded_random& drawn) {
    weft::pipe p;
    ::fcntl(p.writer.native_handle(), F_SETPIPE_SZ, 4096);
    end_a_write(drawn, p.reader, p.writer, [&] { p.writer.close(); });
  });
}

TEST_P(CancelStorm, OnWritesToASocket) {
  storm(400, [](seeded_random& drawn) {
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    const int small = 4096;
    ::setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    auto near = weft::net::unix_stream::from_native(fds[0]);
    auto far = weft::net::unix_stream::from_native(fds[1]);
    end_a_write(drawn, far, near, [&] { near.shutdown_write(); });
  });
}

// One connection a lap: whoever takes it, it is taken once.
template <class Listener, class Connect>
void end_an_accept(seeded_random& drawn, Listener& listener, Connect&& connect) {
  listener.clear_timeout();
  const bool by_time = drawn.below(2) == 0;
  if (by_time) listener.set_timeout(std::chrono::microseconds(drawn.below(100)));
  const std::uint64_t token = drawn.below(1 << 20);
  auto client = weft::spawn([&] {
    auto made = connect();
    made.write_all(bytes_of(token));
    return made;
  });
  std::error_code error;
  std::optional<decltype(listener.accept())> got;
  auto fiber = weft::spawn({.name = "accepting", .spread = true}, [&] {
    try {
      got = listener.accept(error);
    } catch (const weft::cancelled&) {
    }
  });
  weft::this_fiber::sleep_for(std::chrono::microseconds(drawn.below(100)));
  if (!by_time) fiber.request_stop();
  fiber.join();
  if (!got || !got->is_open()) {
    EXPECT_TRUE(!got || error == std::errc::timed_out) << error.message();
    listener.set_timeout(30s);
    got = listener.accept();
  }
  std::uint64_t told = 0;
  got->read_exactly(writable_bytes_of(told));
  EXPECT_EQ(told, token);
  const auto peer = client.join();
  close_without_rest(*got);
}

TEST_P(CancelStorm, OnAccepts) {
  storm(400, [](seeded_random& drawn) {
    auto listener = listen_anywhere();
    end_an_accept(drawn, listener, [&] { return weft::net::tcp_stream::connect(listener.local_endpoint()); });
  });
}

TEST_P(CancelStorm, OnAcceptsOfUnixSockets) {
  const auto name = fresh_name();
  storm(400, [&](seeded_random& drawn) {
    auto listener = weft::net::unix_listener::bind(name);
    end_an_accept(drawn, listener, [&] { return weft::net::unix_stream::connect(name); });
  });
}

// A connect that was ended leaves no socket; what the listener has of it ends at once.
TEST_P(CancelStorm, OnConnects) {
  storm(400, [](seeded_random& drawn) {
    auto listener = listen_anywhere();
    const auto at = listener.local_endpoint();
    const auto limit = std::chrono::microseconds(drawn.below(200));
    auto connected = stopped_after_a_while(drawn, [&] {
      std::error_code error;
      auto made = weft::net::tcp_stream::connect_for(at, limit, error);
      EXPECT_TRUE(made.is_open() || error == std::errc::timed_out) << error.message();
      return made.is_open();
    });
    listener.set_timeout(connected.value_or(false) ? 30s : 0s);
    std::error_code error;
    auto accepted = listener.accept(error);
    EXPECT_TRUE(accepted.is_open() || !connected.value_or(false));
    std::byte one{};
    if (accepted.is_open()) {
      EXPECT_EQ(accepted.read_some({&one, 1}, error), 0U);
      close_without_rest(accepted);
    }
  });
}

// The backlog is full: each attempt pauses, and tries again.
TEST_P(CancelStorm, OnConnectsThatWaitForRoom) {
  const auto name = fresh_name();
  storm(100, [&](seeded_random& drawn) {
    auto listener = weft::net::unix_listener::bind(name, {.backlog = 0});
    auto first = weft::net::unix_stream::connect(name);
    const bool made_room = drawn.below(2) == 0;
    weft::net::unix_stream taken;
    auto second = weft::spawn([&] { return weft::net::unix_stream::connect(name); });
    pause(drawn);
    if (made_room) {
      taken = listener.accept();
    } else {
      second.request_stop();
    }
    try {
      EXPECT_TRUE(second.join().is_open());
    } catch (const weft::cancelled&) {
      EXPECT_FALSE(made_room);
    }
  });
}

TEST_P(CancelStorm, OnSleepsAndTimedWaits) {
  storm(1000, [](seeded_random& drawn) {
    const auto asleep = std::chrono::microseconds(drawn.below(100));
    const auto slept = stopped_after_a_while(drawn, [asleep] {
      const auto start = std::chrono::steady_clock::now();
      weft::this_fiber::sleep_for(asleep);
      return std::chrono::steady_clock::now() - start >= asleep;
    });
    EXPECT_TRUE(slept.value_or(true)) << "woken early";
    // One unit: the wait has it, or it is still there.
    weft::counting_semaphore<> unit(0);
    auto releasing = weft::spawn({.name = "releasing", .spread = true}, [&] { unit.release(); });
    const auto had = stopped_after_a_while(
        drawn, [&] { return unit.try_acquire_for(asleep); }, drawn.below(2) == 0);
    releasing.join();
    EXPECT_NE(had.value_or(false), unit.try_acquire());
  });
}

TEST_P(CancelStorm, OnWaitsForAProcess) {
  storm(10, [](seeded_random& drawn) {
    auto child = weft::process::spawn({"cat"}, {.input = weft::stdio::pipe(), .output = weft::stdio::null()});
    for (int i = 0; i < 10; ++i) {
      const bool by_time = drawn.below(2) == 0;
      const auto ended = stopped_after_a_while(
          drawn, [&] { return by_time ? child.wait_for(std::chrono::microseconds(50)) : std::optional(child.wait()); });
      EXPECT_FALSE(ended && *ended) << "it runs";
    }
    auto patient = weft::spawn([&] { return child.wait(); });
    pause(drawn);
    child.input().close();
    EXPECT_EQ(patient.join().code, 0);
  });
}

TEST_P(CancelStorm, OnWaitsForASignal) {
  storm(400, [](seeded_random& drawn) {
    weft::signal_set set{SIGUSR1};
    const bool by_time = drawn.below(2) == 0;
    const auto limit = std::chrono::microseconds(drawn.below(100));
    auto waiting = weft::spawn({.name = "waiting", .spread = true}, [&]() -> std::optional<int> {
      try {
        return by_time ? set.wait_for(limit) : set.wait();
      } catch (const weft::cancelled&) {
        return std::nullopt;
      }
    });
    pause(drawn);
    std::raise(SIGUSR1);
    if (!by_time) waiting.request_stop();
    std::optional<int> got = waiting.join();
    if (!got) got = set.wait_for(30s);
    EXPECT_EQ(got, SIGUSR1);
    EXPECT_EQ(set.try_wait(), std::nullopt);
  });
}

}  // namespace
