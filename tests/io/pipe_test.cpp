// Pipes: done, timed out, cancelled, closed while waiting; in fibers and on plain threads.
#include <weft/io/pipe.hpp>

#include <chrono>   // literals
#include <csignal>  // signal, sigpending
#include <string>   // string
#include <thread>   // thread

#include <fcntl.h>  // fcntl

#include <gtest/gtest.h>
#include <weft/sched/fiber.hpp>
#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>

#include "io/descriptor_slot.hpp"
#include "io/faults.hpp"

namespace {

using namespace std::chrono_literals;
using weft_test::planned_faults;
namespace os = weft::detail::os;

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string read_text(weft::pipe_reader& from, std::size_t room) {
  std::string text(room, '?');
  text.resize(from.read_some(std::as_writable_bytes(std::span(text))));
  return text;
}

void wait_until_parked(int fd) {
  while (weft::detail::count_waiting(fd) == 0) {
    weft::this_fiber::yield();
  }
}

class Pipe : public ::testing::TestWithParam<unsigned> {
 protected:
  template <class F>
  void go(F&& body) {
    if (GetParam() == 0) {
      body();
    } else {
      weft::run({.workers = GetParam()}, body);
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Callers, Pipe, ::testing::Values(0, 1, 2));

TEST_P(Pipe, CarriesBytesToItsEnd) {
  go([] {
    weft::pipe p;
    EXPECT_NE(::fcntl(p.reader.native_handle(), F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_NE(::fcntl(p.writer.native_handle(), F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_EQ(p.writer.write_some(bytes("hello")), 5U);
    EXPECT_EQ(read_text(p.reader, 3), "hel");
    EXPECT_EQ(read_text(p.reader, 3), "lo");
    p.writer.write_all(bytes("rest"));
    p.writer.close();
    EXPECT_EQ(p.reader.read_to_end(), "rest");
    EXPECT_EQ(read_text(p.reader, 3), "") << "end of file";
    std::byte more[1];
    std::error_code error;
    EXPECT_EQ(p.reader.read_exactly(more, error), 0U);
    EXPECT_EQ(error, weft::fs::error::end_of_file);
  });
}

TEST_P(Pipe, SaysWhenNobodyReadsAndRaisesNoSignal) {
  go([] {
    ASSERT_EQ(std::signal(SIGPIPE, SIG_DFL), SIG_DFL);  // it would end the test
    weft::pipe p;
    p.reader.close();
    std::error_code error;
    EXPECT_EQ(p.writer.write_all(bytes("x"), error), 0U);
    EXPECT_EQ(error, std::errc::broken_pipe);
    EXPECT_THROW(p.writer.write_some(bytes("x")), std::system_error);
    sigset_t pending;
    ::sigpending(&pending);
    EXPECT_EQ(::sigismember(&pending, SIGPIPE), 0);
  });
}

TEST_P(Pipe, TimesOut) {
  go([] {
    weft::pipe p;
    std::byte got[1];
    std::error_code error;
    p.reader.set_timeout(2ms);
    EXPECT_EQ(p.reader.read_some(got, error), 0U);
    EXPECT_EQ(error, std::errc::timed_out);
    p.writer.set_timeout(0ms);
    const std::string large(1 << 20, 'x');
    EXPECT_GT(p.writer.write_all(bytes(large), error), 0U);
    EXPECT_EQ(error, std::errc::timed_out);
    p.reader.clear_timeout();
    EXPECT_EQ(p.reader.read_exactly(got), 1U);
  });
}

TEST_P(Pipe, EndsAWaitThatItIsClosedDuring) {
  go([] {
    weft::pipe p;
    std::thread closer([&] { p.reader.close(); });
    std::byte got[1];
    std::error_code error;
    p.reader.read_some(got, error);
    EXPECT_TRUE(error == std::errc::operation_canceled || error == std::errc::bad_file_descriptor) << error;
    closer.join();
    EXPECT_FALSE(p.reader.is_open());
    p.reader.read_some(got, error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
    p.reader.read_some({}, error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
  });
}

TEST(PipeInFibers, MovesMuchMoreThanItHolds) {
  weft::run({.workers = 2}, [] {
    weft::pipe p;
    std::string sent(3'000'000, ' ');
    for (std::size_t i = 0; i < sent.size(); ++i) {
      sent[i] = static_cast<char>('a' + i * 2654435761U % 26);
    }
    auto writer = weft::spawn([&] {
      p.writer.write_all(bytes(sent));
      p.writer.close();
    });
    EXPECT_EQ(p.reader.read_to_end(), sent);
    writer.join();
  });
}

TEST(PipeInFibers, AWaitEndsByAStopOrAClose) {
  weft::run([] {
    weft::pipe p;
    const auto read = [&] {
      std::byte got[1];
      std::error_code error;
      p.reader.read_some(got, error);
      return error;
    };
    auto stopped = weft::spawn(read);
    wait_until_parked(p.reader.native_handle());
    stopped.request_stop();
    EXPECT_THROW(stopped.join(), weft::cancelled);
    auto early = weft::spawn(read);
    early.request_stop();
    EXPECT_THROW(early.join(), weft::cancelled);
    auto busy = weft::spawn(read);
    wait_until_parked(p.reader.native_handle());
    EXPECT_EQ(read(), std::errc::device_or_resource_busy);
    p.reader.close();
    EXPECT_EQ(busy.join(), std::errc::operation_canceled);
    auto writer = weft::spawn([&] {
      std::error_code error;
      p.writer.write_all(bytes("x"), error);
      return error;
    });
    EXPECT_EQ(writer.join(), std::errc::broken_pipe);
  });
}

TEST(PipeInFibers, AFullOneEndsItsWriterWhenTheReaderGoes) {
  weft::run([] {
    weft::pipe p;
    const std::string large(1 << 20, 'x');
    auto writer = weft::spawn([&] {
      std::error_code error;
      p.writer.write_all(bytes(large), error);
      return error;
    });
    wait_until_parked(p.writer.native_handle());
    p.reader.close();
    EXPECT_EQ(writer.join(), std::errc::broken_pipe);
  });
}

TEST(PipeFailures, LeaveNothingOpen) {
  const int before = ::dup(0);
  ::close(before);
  for (const os::call which : {os::call::pipe, os::call::option}) {
    for (int at = 0; at < (which == os::call::pipe ? 1 : 3); ++at) {
      const planned_faults faults(which, {.error = EMFILE}, at);
      EXPECT_THROW(weft::pipe(), std::system_error);
      std::error_code error;
      const planned_faults again(which, {.error = EMFILE}, at);
      const weft::pipe p(error);
      EXPECT_EQ(error, std::errc::too_many_files_open);
      EXPECT_FALSE(p.reader.is_open() || p.writer.is_open());
    }
  }
  const int after = ::dup(0);
  EXPECT_EQ(after, before);
  ::close(after);
}

TEST(PipeFailures, ShortAndInterruptedCallsAreContinued) {
  weft::pipe p;
  {
    const planned_faults one_byte_each(os::call::write, {.limit = 1}, 0, 100);
    EXPECT_EQ(p.writer.write_all(bytes("abcdef")), 6U);
  }
  const planned_faults interrupted(os::call::read, {.error = EINTR}, 0, 3);
  EXPECT_EQ(read_text(p.reader, 10), "abcdef");
}

}  // namespace
