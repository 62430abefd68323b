// Descriptors that keep their mode: pipes, files, sockets, terminals, devices.
#include <weft/io/standard_streams.hpp>

#include <chrono>   // literals
#include <cstdio>   // tmpfile
#include <cstdlib>  // posix_openpt
#include <string>   // string

#include <fcntl.h>       // fcntl
#include <sys/socket.h>  // socketpair
#include <termios.h>     // cfmakeraw
#include <unistd.h>      // pipe2

#include <gtest/gtest.h>
#include <weft/sched/fiber.hpp>
#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>

#include "io/faults.hpp"

namespace {

using namespace std::chrono_literals;
using weft::input_stream;
using weft::output_stream;
using weft_test::planned_faults;
namespace os = weft::detail::os;

std::string read_text(input_stream from, std::size_t room) {
  std::string text(room, '?');
  text.resize(from.read_some(std::as_writable_bytes(std::span(text))));
  return text;
}
bool is_blocking(int fd) { return (::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0; }

// Two ends of something that blocks.
struct ends {
  int in = -1, out = -1;
  ends() = default;
  ends(const ends&) = delete;
  ends& operator=(const ends&) = delete;
  ~ends() {
    ::close(in);
    ::close(out);
  }
};
struct pipe_ends : ends {
  pipe_ends() {
    int fds[2];
    EXPECT_EQ(::pipe2(fds, O_CLOEXEC), 0);
    in = fds[0];
    out = fds[1];
  }
};
struct socket_ends : ends {
  socket_ends() {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    in = fds[0];
    out = fds[1];
  }
};
struct terminal_ends : ends {
  terminal_ends() {
    out = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    EXPECT_EQ(::grantpt(out), 0);
    EXPECT_EQ(::unlockpt(out), 0);
    in = ::open(::ptsname(out), O_RDWR | O_NOCTTY | O_CLOEXEC);
    termios raw{};
    EXPECT_EQ(::tcgetattr(in, &raw), 0);
    ::cfmakeraw(&raw);
    EXPECT_EQ(::tcsetattr(in, TCSANOW, &raw), 0);
  }
};

template <class Ends>
class SharedStream : public ::testing::Test {};
using kinds = ::testing::Types<pipe_ends, socket_ends, terminal_ends>;
TYPED_TEST_SUITE(SharedStream, kinds);

TYPED_TEST(SharedStream, WaitsWithoutBlockingItsWorkerAndLeavesTheMode) {
  weft::run({.workers = 1}, [] {
    const TypeParam e;
    bool read = false;
    auto reader = weft::spawn([&] {
      const std::string text = read_text(input_stream(e.in), 100);
      read = true;
      return text;
    });
    for (int i = 0; i < 20; ++i) {
      weft::this_fiber::yield();  // the only worker gets here although the reader waits
    }
    EXPECT_FALSE(read);
    EXPECT_TRUE(is_blocking(e.in));
    EXPECT_EQ(output_stream(e.out).write_all("line"), 4U);
    EXPECT_EQ(reader.join(), "line");
    EXPECT_TRUE(is_blocking(e.in) && is_blocking(e.out));
  });
}

TYPED_TEST(SharedStream, TimesOutAndIsCancelled) {
  weft::run({.workers = 1}, [] {
    const TypeParam e;
    input_stream in(e.in);
    in.set_timeout(2ms);
    std::byte got[1];
    std::error_code error;
    EXPECT_EQ(in.read_some(got, error), 0U);
    EXPECT_EQ(error, std::errc::timed_out);
    for (const bool early : {false, true}) {
      auto reader = weft::spawn([&] { read_text(input_stream(e.in), 1); });
      for (int i = 0; !early && i < 20; ++i) {
        weft::this_fiber::yield();
      }
      reader.request_stop();
      EXPECT_THROW(reader.join(), weft::cancelled);
    }
  });
}

TYPED_TEST(SharedStream, WorksOnPlainThreads) {
  const TypeParam e;
  EXPECT_EQ(output_stream(e.out).write_all("line"), 4U);
  EXPECT_EQ(read_text(input_stream(e.in), 100), "line");
  input_stream in(e.in);
  in.set_timeout(1ms);
  std::byte got[1];
  std::error_code error;
  in.read_some(got, error);
  EXPECT_EQ(error, std::errc::timed_out);
}

// As kernels do that cannot try a call on this kind of descriptor.
TYPED_TEST(SharedStream, WorksWhereTheKernelCannotTry) {
  weft::run({.workers = 1}, [] {
    const TypeParam e;
    auto reader = weft::spawn([&] {
      const planned_faults cannot(os::call::read, {.error = EOPNOTSUPP});
      return read_text(input_stream(e.in), 100);
    });
    weft::this_fiber::yield();
    EXPECT_EQ(::write(e.out, "line", 4), 4);
    EXPECT_EQ(reader.join(), "line");
    const planned_faults cannot(os::call::write, {.error = EOPNOTSUPP});
    EXPECT_EQ(output_stream(e.out).write_all("line"), 4U);
  });
}

TEST(SharedStreams, AFullPipeParksItsWriterUntilAllIsRead) {
  weft::run({.workers = 1}, [] {
    const pipe_ends e;
    const std::string sent(200'000, 'x');
    auto writer = weft::spawn([&] { return output_stream(e.out).write_all(sent); });
    std::string got(sent.size(), '?');
    EXPECT_EQ(input_stream(e.in).read_exactly(std::as_writable_bytes(std::span(got))), sent.size());
    EXPECT_EQ(writer.join(), sent.size());
    EXPECT_EQ(got, sent);
  });
}

TEST(SharedStreams, AWriterWithoutReaderIsToldAndLives) {
  weft::run([] {
    pipe_ends e;
    ::close(std::exchange(e.in, -1));
    std::error_code error;
    output_stream(e.out).write_all("x", error);
    EXPECT_EQ(error, std::errc::broken_pipe);
  });
}

TEST(SharedStreams, FilesAndDevicesAreReadAndWrittenToo) {
  weft::run([] {
    std::FILE* f = std::tmpfile();
    ASSERT_NE(f, nullptr);
    EXPECT_EQ(output_stream(::fileno(f)).write_all("content"), 7U);
    std::rewind(f);
    EXPECT_EQ(read_text(input_stream(::fileno(f)), 100), "content");
    EXPECT_EQ(read_text(input_stream(::fileno(f)), 100), "");
    std::rewind(f);
    {
      const planned_faults not_in_memory(os::call::read, {.error = EAGAIN});
      EXPECT_EQ(read_text(input_stream(::fileno(f)), 100), "content");
    }
    std::fclose(f);
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    EXPECT_EQ(read_text(input_stream(null), 100), "");
    EXPECT_EQ(output_stream(null).write_all("x"), 1U);
    ::close(null);
    std::error_code error;
    output_stream(null).write_all("x", error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
    EXPECT_EQ(weft::standard_input().native_handle(), 0);
    EXPECT_EQ(weft::standard_output().native_handle(), 1);
    EXPECT_EQ(weft::standard_error().native_handle(), 2);
  });
}

TEST(SharedStreams, ANonBlockingOneIsWaitedForAllTheSame) {
  weft::run([] {
    const terminal_ends e;
    EXPECT_EQ(::fcntl(e.in, F_SETFL, ::fcntl(e.in, F_GETFL) | O_NONBLOCK), 0);
    auto reader = weft::spawn([&] { return read_text(input_stream(e.in), 100); });
    weft::this_fiber::yield();
    EXPECT_EQ(::write(e.out, "line", 4), 4);
    EXPECT_EQ(reader.join(), "line");
    EXPECT_FALSE(is_blocking(e.in));
  });
}

}  // namespace
