// Numbers and slots that are used again and again, beside waits that go on: none of those is ended, woken for a stranger or
// forgotten, and the table does not grow.
#include <array>   // array
#include <vector>  // vector

#include <sys/eventfd.h>  // eventfd
#include <sys/socket.h>   // socketpair
#include <unistd.h>       // close

#include <gtest/gtest.h>
#include <weft/io/pipe.hpp>
#include <weft/net/unix_stream.hpp>
#include <weft/net/wait.hpp>
#include <weft/task/scope.hpp>

#include "io/descriptor_slot.hpp"
#include "net/loopback.hpp"
#include "net/waits.hpp"
#include "support/scale.hpp"
#include "support/seeded_random.hpp"

namespace {

using namespace weft_test;
using weft::net::unix_stream;
using weft::testing::seeded_random;
namespace d = weft::detail;

struct unix_pair {
  unix_pair() {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) throw std::runtime_error("socketpair");
    near = unix_stream::from_native(fds[0]);
    far = unix_stream::from_native(fds[1]);
  }
  unix_stream near, far;
};

// A wait that must be woken as often as it is called for, and by nothing else.
struct neighbour {
  unix_pair ends;
  std::uint64_t called = 0, woken = 0;
  std::error_code error;

  void wait() {
    for (std::byte got{}; ends.near.read_some({&got, 1}, error) == 1; ++woken) {
      EXPECT_EQ(got, pattern(9, woken));
    }
  }
  void call() {
    const std::byte next = pattern(9, called++);
    ends.far.write_all({&next, 1});
  }
};

// Opens, uses and closes; what it is waits for an event that comes, that never comes, or is not waited for at all.
void open_and_close(seeded_random& drawn) {
  const std::size_t kind = drawn.below(6);
  std::byte one{};
  std::error_code error;
  if (kind < 2) {
    unix_pair p;
    if (kind == 0) {
      p.near.set_timeout(0ms);
      p.near.read_some({&one, 1}, error);
      EXPECT_EQ(error, std::errc::timed_out);
    }
    p.far.write_all({&one, 1});  // an event for a number that is closed at once
  } else if (kind < 4) {
    weft::pipe p;
    if (kind == 2) {
      p.reader.set_timeout(0ms);
      p.reader.read_some({&one, 1}, error);
      EXPECT_EQ(error, std::errc::timed_out);
    }
    p.writer.write_all({&one, 1});
  } else {
    const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (kind == 4) {
      EXPECT_FALSE(weft::net::wait_readable_for(fd, std::chrono::microseconds(1)));
      ::close(fd);
    } else {
      const d::descriptor owned(d::open_descriptor(fd));
      EXPECT_EQ(::eventfd_write(fd, 1), 0);
    }
  }
}

class Reuse : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, Reuse, testing::Values(1U, 2U));

// 1,000,000 in a soak.
TEST_P(Reuse, OfDescriptorsDisturbsNoWaitBesideItAndTheTableDoesNotGrow) {
  const std::size_t cycles = weft::testing::stress_count(50'000);
  weft::run(workers(GetParam()), [&] {
    const std::uint32_t open_before = d::count_slots().open;
    {
      std::array<neighbour, 8> neighbours;
      std::vector<weft::fiber<void>> waiting;
      for (neighbour& n : neighbours) {
        waiting.push_back(weft::spawn({.name = "neighbour", .spread = true}, [&n] { n.wait(); }));
      }
      for (neighbour& n : neighbours) wait_until_parked(n.ends.near.native_handle(), 1);
      const std::uint32_t made_before = d::count_slots().made;
      weft::scope cycling;
      for (std::uint64_t seed = 1; seed <= 2; ++seed) {
        cycling.spawn({.name = "cycling", .spread = true}, [&neighbours, seed, cycles] {
          seeded_random drawn(seed);
          for (std::size_t i = 0; i < cycles / 2; ++i) {
            open_and_close(drawn);
            // Half of them are never called.
            if (i % 64 == 0) neighbours[(seed - 1) * 2 + drawn.below(2)].call();
          }
        });
      }
      cycling.join();
      EXPECT_LE(d::count_slots().made, made_before + 512) << "more than a few at a time were open";
      for (std::size_t i = 0; i < neighbours.size(); ++i) {
        neighbour& n = neighbours[i];
        EXPECT_EQ(n.called == 0, i >= 4);
        n.ends.far.shutdown_write();
        waiting[i].join();
        EXPECT_FALSE(n.error) << n.error.message();
        EXPECT_EQ(n.woken, n.called) << "neighbour " << i;
      }
    }
    EXPECT_EQ(d::count_slots().open, open_before);
  });
}

}  // namespace
