// What a request costs a server in system calls.
#include <array>    // array
#include <cstddef>  // byte
#include <span>     // span

#include <gtest/gtest.h>

#include "io/faults.hpp"
#include "net/loopback.hpp"
#include "sched/poller.hpp"  // why_no_uring

namespace {

using namespace weft_test;
namespace os = weft::detail::os;

// How often `which` was called while one worker with `io` answered so many requests, of which each found it asleep or on
// its way there: the client is a plain thread, and sends the next when it has the answer.
int calls_for(int requests, weft::io_backend io, os::call which) {
  weft::runtime rt({.workers = 1, .io = io});
  stream_pair p = connected_pair();
  auto echo = rt.spawn([&] {
    std::array<std::byte, 64> buffer;
    for (std::size_t n = 0; (n = p.server.read_some(buffer)) != 0;) {
      p.server.write_all(std::span<const std::byte>(buffer.data(), n));
    }
  });
  int calls = 0;
  {
    const planned_faults counting(which, {}, 0, 0);
    for (int i = 0; i < requests; ++i) {
      int answer = 0;
      p.client.write_all(bytes_of(i));
      p.client.read_exactly(writable_bytes_of(answer));
      EXPECT_EQ(answer, i);
    }
    calls = planned_faults::calls();
  }
  p.client.shutdown_write();
  echo.join();
  return calls;
}

constexpr int requests = 200;
constexpr int at_most = requests + requests / 4;  // two for each would be a waste that nothing else shows

TEST(SystemCalls, WithEpollASleepThatEndsWithEventsIsNotFollowedByAnotherPoll) {
  EXPECT_LE(calls_for(requests, weft::io_backend::epoll, os::call::epoll_wait), at_most);
}

TEST(SystemCalls, WithARingOneCallHandsOverTheReadAndSleeps) {
  if (weft::detail::why_no_uring() != 0) {
    GTEST_SKIP() << "no io_uring here: errno " << weft::detail::why_no_uring();
  }
  EXPECT_LE(calls_for(requests, weft::io_backend::uring, os::call::uring_enter), at_most);
}

}  // namespace
