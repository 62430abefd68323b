// Waiting for descriptors that weft does not own.
#include <thread>  // thread

#include <fcntl.h>        // open
#include <poll.h>         // poll
#include <sys/eventfd.h>  // eventfd
#include <sys/socket.h>   // send, MSG_OOB
#include <unistd.h>       // pipe, close

#include <gtest/gtest.h>
#include <weft/net/wait.hpp>

#include "net/loopback.hpp"

namespace {

using namespace weft_test;
namespace net = weft::net;

class Wait : public testing::TestWithParam<unsigned> {
 protected:
  template <class F>
  void in_fiber(F&& f) {
    weft::run(workers(GetParam()), std::forward<F>(f));
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, Wait, testing::Values(1U, 2U));

struct pipe_ends {
  int read = -1, write = -1;
  pipe_ends() {
    int fds[2];
    EXPECT_EQ(::pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    read = fds[0];
    write = fds[1];
  }
  ~pipe_ends() {
    ::close(read);
    ::close(write);
  }
};

TEST_P(Wait, PassesATokenThroughPipesManyTimes) {
  const int laps = rounds(5000, 300);
  in_fiber([&] {
    pipe_ends there, back;
    auto pass_on = [&](int in, int out) {
      char token = 0;
      for (int i = 0; i < laps; ++i) {
        net::wait_readable(in);
        EXPECT_EQ(::read(in, &token, 1), 1);
        ++token;
        EXPECT_EQ(::write(out, &token, 1), 1);
      }
      return token;
    };
    auto other = weft::spawn({.name = "other", .spread = true}, [&] { return pass_on(there.read, back.write); });
    const char start = 0;
    ASSERT_EQ(::write(there.write, &start, 1), 1);
    char last = 0;
    for (int i = 0; i < laps; ++i) {
      net::wait_readable(back.read);
      ASSERT_EQ(::read(back.read, &last, 1), 1);
      ASSERT_EQ(last, static_cast<char>(i + 1));
      if (i + 1 < laps) {
        ASSERT_EQ(::write(there.write, &last, 1), 1);
      }
    }
    other.join();
  });
}

TEST_P(Wait, ForRoomInAPipe) {
  in_fiber([] {
    pipe_ends p;
    net::wait_writable(p.write);
    const std::vector<char> chunk(65536);
    while (::write(p.write, chunk.data(), chunk.size()) > 0) {
    }
    EXPECT_FALSE(net::wait_writable_for(p.write, 5ms));
    auto writer = weft::spawn([&] { net::wait_writable(p.write); });
    EXPECT_FALSE(writer.join_for(5ms));
    std::vector<char> sink(1 << 20);
    ASSERT_GT(::read(p.read, sink.data(), sink.size()), 0);
    writer.join();
  });
}

TEST_P(Wait, IsWokenByAPlainThreadThroughAnEventfd) {
  in_fiber([] {
    const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    std::thread other([fd] {
      for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(::eventfd_write(fd, 1), 0);
        std::this_thread::yield();
      }
    });
    eventfd_t total = 0;
    while (total < 100) {
      net::wait_readable(fd);
      eventfd_t count = 0;
      if (::eventfd_read(fd, &count) == 0) {
        total += count;
      }
    }
    other.join();
    EXPECT_EQ(total, 100U);
    EXPECT_EQ(::close(fd), 0);
  });
}

TEST_P(Wait, ManyFibersMayWaitForOneDescriptorInBothDirections) {
  in_fiber([] {
    stream_pair p = connected_pair();
    const int fd = p.client.native_handle();
    std::byte one{};
    std::vector<weft::fiber<>> waiters;
    auto owner = weft::spawn([&] { p.client.read_exactly({&one, 1}); });
    for (int i = 0; i < 10; ++i) {
      waiters.push_back(weft::spawn([fd] { net::wait_readable(fd); }));
      waiters.push_back(weft::spawn([fd] { net::wait_writable(fd); }));
    }
    let_others_run();
    std::array<std::byte, 2> two{};
    p.server.write_all(two);  // one for the owner, one that keeps it readable
    for (auto& w : waiters) {
      w.join();
    }
    owner.join();
  });
}

TEST_P(Wait, TellsTheEndAndErrorsAsReadiness) {
  in_fiber([] {
    pipe_ends p;
    auto reader = weft::spawn([&] { net::wait_readable(p.read); });
    let_others_run();
    ASSERT_EQ(::close(std::exchange(p.write, -1)), 0);
    reader.join();
    char c;
    EXPECT_EQ(::read(p.read, &c, 1), 0);
    pipe_ends q;
    ASSERT_EQ(::close(std::exchange(q.read, -1)), 0);
    net::wait_writable(q.write);  // EPIPE awaits the writer
  });
}

// Urgent data are an edge of the registration, but nothing that a read would get.
TEST_P(Wait, UrgentDataAreNotReadiness) {
  in_fiber([] {
    stream_pair p = connected_pair();
    const int fd = p.client.native_handle();
    const char mark = '!';
    ASSERT_EQ(::send(p.server.native_handle(), &mark, 1, MSG_OOB | MSG_NOSIGNAL), 1);
    pollfd urgent{.fd = fd, .events = POLLPRI, .revents = 0};
    ASSERT_EQ(::poll(&urgent, 1, -1), 1);
    EXPECT_FALSE(net::wait_readable_for(fd, 5ms));
    auto reader = weft::spawn([fd] {
      net::wait_readable(fd);
      char got = 0;
      EXPECT_EQ(::recv(fd, &got, 1, MSG_DONTWAIT), 1) << "readable was a promise";
      return got;
    });
    let_others_run();
    const char plain = 'x';
    p.server.write_all(bytes_of(plain));
    EXPECT_EQ(reader.join(), plain);
  });
}

TEST_P(Wait, TimedFormsTellTheTimeFromReadiness) {
  in_fiber([] {
    pipe_ends p;
    const auto start = std::chrono::steady_clock::now();
    EXPECT_FALSE(net::wait_readable_for(p.read, 20ms));
    EXPECT_GE(std::chrono::steady_clock::now() - start, 20ms);
    EXPECT_FALSE(net::wait_readable_until(p.read, start));
    EXPECT_FALSE(net::wait_readable_for(p.read, 0ms));
    EXPECT_TRUE(net::wait_writable_for(p.write, 0ms));
    EXPECT_TRUE(net::wait_writable_until(p.write, start));
    std::error_code error = std::make_error_code(std::errc::io_error);
    EXPECT_FALSE(net::wait_readable_for(p.read, 1ms, error));
    EXPECT_FALSE(error);
    EXPECT_FALSE(net::wait_readable_until(p.read, start, error));
    EXPECT_TRUE(net::wait_writable_for(p.write, 1ms, error));
    EXPECT_TRUE(net::wait_writable_until(p.write, start, error));
    ASSERT_EQ(::write(p.write, "x", 1), 1);
    EXPECT_TRUE(net::wait_readable_for(p.read, 10s));
  });
}

TEST_P(Wait, ClosedNumbersAreRefused) {
  in_fiber([] {
    int closed = -1;
    {
      const pipe_ends p;
      closed = p.read;
    }
    std::error_code error;
    net::wait_readable(closed, error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
    EXPECT_THROW(net::wait_writable(closed), std::system_error);
    net::wait_readable(-1, error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
  });
}

TEST_P(Wait, RegularFilesAreAlwaysReady) {
  in_fiber([] {
    const int fd = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    ASSERT_GE(fd, 0);
    net::wait_readable(fd);
    net::wait_writable(fd);
    EXPECT_EQ(::close(fd), 0);
  });
}

TEST_P(Wait, LeavesNoDescriptorBehind) {
  in_fiber([] {
    pipe_ends p;
    EXPECT_FALSE(net::wait_readable_for(p.read, 1ms));
    const int before = ::dup(p.read);
    ASSERT_EQ(::close(before), 0);
    for (int i = 0; i < 100; ++i) {
      EXPECT_FALSE(net::wait_readable_for(p.read, std::chrono::microseconds(50)));
    }
    const int after = ::dup(p.read);
    EXPECT_EQ(after, before);
    ASSERT_EQ(::close(after), 0);
  });
}

TEST(WaitOnAPlainThread, PollsWithTheSameMeaning) {
  pipe_ends p;
  EXPECT_FALSE(net::wait_readable_for(p.read, 5ms));
  EXPECT_TRUE(net::wait_writable_for(p.write, 0ms));
  std::thread other([&] { EXPECT_EQ(::write(p.write, "x", 1), 1); });
  net::wait_readable(p.read);
  other.join();
  std::error_code error;
  net::wait_readable(-1, error);
  EXPECT_EQ(error, std::errc::bad_file_descriptor);
}

}  // namespace
