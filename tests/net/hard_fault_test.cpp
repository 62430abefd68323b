// A stream that fails for good, at each k-th call: its user is told once, what went before arrives whole, and the stream beside
// it goes on as if nothing were.
#include <cerrno>   // error numbers
#include <utility>  // move

#include <gtest/gtest.h>
#include <weft/task/scope.hpp>

#include "net/session.hpp"  // open_things, seeded_faults, weft::pipe, unix_stream

namespace {

using namespace weft_test;
using weft::detail::os::call;
using weft::net::unix_stream;

constexpr std::size_t size = 20'000;

struct outcome {
  std::size_t sent = 0, got = 0;
  std::error_code send_error, receive_error;
  bool right = true;
};

// Whoever is told of an error closes its end.
template <class Reader, class Writer>
void transfer(std::uint64_t key, Reader from, Writer to, outcome& result) {
  weft::scope both;
  both.spawn([&] {
    const auto all = patterned(key, size);
    while (result.sent < size && !result.send_error) {
      const auto rest = std::span<const std::byte>(all).subspan(result.sent);
      result.sent += to.write_some(rest.first(std::min<std::size_t>(rest.size(), 3000)), result.send_error);
    }
    to.close();
  });
  both.spawn([&] {
    std::array<std::byte, 2000> part;
    for (std::size_t n = 1; n != 0;) {
      n = from.read_some(part, result.receive_error);
      for (std::size_t i = 0; i < n; ++i, ++result.got) {
        result.right = result.right && part[i] == pattern(key, result.got);
      }
    }
    from.close();
  });
  both.join();
}

// \return whether this transfer was the one that was told
bool check(const outcome& o, int planted) {
  EXPECT_TRUE(o.right) << "a byte out of place";
  EXPECT_LE(o.got, o.sent);
  if (o.receive_error) {  // after which the sender may find that nobody reads
    EXPECT_EQ(o.receive_error.value(), planted);
    const bool gone = o.send_error == std::errc::broken_pipe || o.send_error == std::errc::connection_reset;
    EXPECT_TRUE(!o.send_error || gone) << o.send_error.message();
    return true;
  }
  EXPECT_EQ(o.got, o.sent);
  if (o.send_error) {
    EXPECT_EQ(o.send_error.value(), planted);
    return true;
  }
  EXPECT_EQ(o.got, size);
  return false;
}

class HardFaults : public testing::TestWithParam<unsigned> {
 protected:
  // transfer_one(key, outcome&): one of two at the same time. Some calls are also made for nobody, by the poller.
  template <class F>
  void at_each_call(call which, std::initializer_list<int> errors, F&& transfer_one, bool for_somebody = true) {
    weft::runtime rt(workers(GetParam()));
    int met = 0;
    for (const int error : errors) {
      for (std::uint64_t k = 0; k < 10 && !HasFailure(); ++k) {
        SCOPED_TRACE("errno " + std::to_string(error) + " at call " + std::to_string(k));
        const open_things before;
        const seeded_faults plan(1, {{.which = which, .faults = {{.error = error}}, .only = k}});
        outcome a, b;
        rt.run([&] {
          weft::scope both;
          both.spawn({.name = "one", .spread = true}, [&] { transfer_one(1, a); });
          both.spawn({.name = "other", .spread = true}, [&] { transfer_one(2, b); });
          both.join();
        });
        const int told = (check(a, error) ? 1 : 0) + (check(b, error) ? 1 : 0);
        const int planted = static_cast<int>(plan.planted());
        EXPECT_TRUE(told == planted || (!for_somebody && told < planted)) << told << " of " << planted;
        EXPECT_EQ(open_things(), before);
        met += told;
      }
    }
    EXPECT_GT(met, 0);
  }
  static void over_tcp(std::uint64_t key, outcome& result) {
    stream_pair p = connected_pair();
    transfer(key, std::move(p.server), std::move(p.client), result);
  }
  static void over_unix(std::uint64_t key, outcome& result) {
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    transfer(key, unix_stream::from_native(fds[0]), unix_stream::from_native(fds[1]), result);
  }
  static void over_a_pipe(std::uint64_t key, outcome& result) {
    weft::pipe p;
    ::fcntl(p.writer.native_handle(), F_SETPIPE_SZ, 4096);
    transfer(key, std::move(p.reader), std::move(p.writer), result);
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, HardFaults, testing::Values(1U, 2U));

TEST_P(HardFaults, OfReceivingAreToldToTheReader) {
  at_each_call(call::recv, {ECONNRESET, ENOMEM}, over_tcp);
  at_each_call(call::recv, {ECONNRESET, ENOMEM}, over_unix);
  at_each_call(call::read, {EIO}, over_a_pipe);
}

TEST_P(HardFaults, OfSendingAreToldToTheWriter) {
  at_each_call(call::send, {EPIPE, ECONNRESET, ENOBUFS}, over_tcp);
  at_each_call(call::send, {EPIPE, ECONNRESET, ENOBUFS}, over_unix);
  at_each_call(call::write, {EPIPE, ENOSPC}, over_a_pipe);
}

TEST_P(HardFaults, OfWaitingAreToldToWhoWaits) {
  const call which = with_uring() ? call::uring_entry : call::epoll_add;
  at_each_call(which, {ENOMEM, ENOSPC}, over_unix, false);
  at_each_call(which, {ENOMEM, ENOSPC}, over_a_pipe, false);
}

}  // namespace
