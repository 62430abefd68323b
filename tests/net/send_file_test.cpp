// Files into streams: whole, from where it was asked, by either way, and without SIGPIPE.
#include <csignal>  // raise, sigpending
#include <thread>   // thread

#include <sys/mman.h>  // memfd_create
#include <unistd.h>    // write, lseek, pipe, close

#include <gtest/gtest.h>
#include <weft/net/error.hpp>

#include "io/faults.hpp"
#include "net/loopback.hpp"
#include "net/waits.hpp"

namespace {

using namespace weft_test;
using weft::detail::os::call;
using weft::net::tcp_stream;

// A file without a name.
class memory_file {
 public:
  explicit memory_file(std::size_t size) : data(patterned(9, size)) {
    EXPECT_EQ(::write(fd, data.data(), size), static_cast<ssize_t>(size));
    EXPECT_EQ(::lseek(fd, 5, SEEK_SET), 5);
  }
  ~memory_file() {
    EXPECT_EQ(::lseek(fd, 0, SEEK_CUR), 5) << "its own position stays";
    EXPECT_EQ(::close(fd), 0);
  }
  memory_file(const memory_file&) = delete;
  memory_file& operator=(const memory_file&) = delete;
  const int fd = ::memfd_create("weft test", MFD_CLOEXEC);
  const std::vector<std::byte> data;
};

class SendFile : public testing::TestWithParam<unsigned> {
 protected:
  template <class F>
  void in_fiber(F&& f) {
    weft::run(workers(GetParam()), std::forward<F>(f));
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, SendFile, testing::Values(1U, 2U));

void expect_sent(const memory_file& file, std::size_t offset, std::size_t count) {
  stream_pair p = connected_pair();
  const std::size_t there = std::min(count, file.data.size() - std::min(offset, file.data.size()));
  auto sender = weft::spawn([&] {
    const std::uint64_t sent = p.client.send_file(file.fd, offset, count);
    p.client.shutdown_write();
    return sent;
  });
  std::vector<std::byte> got(there);
  p.server.read_exactly(got);
  std::byte more{};
  EXPECT_EQ(p.server.read_some({&more, 1}), 0U);
  EXPECT_EQ(sender.join(), there);
  EXPECT_TRUE(std::equal(got.begin(), got.end(), file.data.begin() + static_cast<std::ptrdiff_t>(offset)));
}

TEST_P(SendFile, SendsThePartThatWasAskedForAndNoMoreThanThereIs) {
  in_fiber([] {
    const memory_file file(3 << 20);
    expect_sent(file, 0, file.data.size());
    expect_sent(file, 12345, 700000);
    expect_sent(file, file.data.size() - 10, 1000);
    expect_sent(file, file.data.size(), 1000);
    expect_sent(file, 0, 0);
  });
}

TEST_P(SendFile, ReadsAndWritesWhereTheSystemCannotSendTheFile) {
  in_fiber([] {
    const memory_file file(300000);
    for (const int error : {EINVAL, ENOSYS}) {
      for (const int first : {0, 1}) {  // also in the middle of a file
        const planned_faults faults(call::send_file, {.error = error}, first);
        expect_sent(file, 1000, 290000);
        EXPECT_EQ(planned_faults::calls(), first + 1);
      }
    }
    const planned_faults faults(call::send_file, {.error = EINVAL}, 0, 2);
    expect_sent(file, file.data.size() - 10, 1000);
    expect_sent(file, file.data.size(), 1000);
  });
}

TEST_P(SendFile, PartialAndInterruptedCallsGoOn) {
  in_fiber([] {
    const memory_file file(3000);
    {
      const planned_faults partial(call::send_file, {.limit = 1}, 0, 1 << 30);
      expect_sent(file, 0, 3000);
      EXPECT_GE(planned_faults::calls(), 3000);
    }
    const planned_faults interrupted(call::send_file, {.error = EINTR}, 0, 3);
    expect_sent(file, 0, 3000);
  });
}

TEST_P(SendFile, ErrorsOfTheFileAreTold) {
  in_fiber([] {
    stream_pair p = connected_pair();
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    std::error_code error;
    EXPECT_EQ(p.client.send_file(pipe[0], 0, 10, error), 0U);
    EXPECT_EQ(error, std::errc::invalid_seek);
    EXPECT_EQ(p.client.send_file(1 << 29, 0, 10, error), 0U);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
    const memory_file file(10);
    EXPECT_EQ(p.client.send_file(file.fd, std::uint64_t{1} << 63, 10, error), 0U);
    EXPECT_EQ(error, std::errc::invalid_argument);
    {
      const planned_faults faults(call::send_file, {.error = EIO});
      EXPECT_THROW(p.client.send_file(file.fd, 0, 10), std::system_error);
    }
    p.client.close();
    EXPECT_EQ(p.client.send_file(file.fd, 0, 10, error), 0U);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
    EXPECT_EQ(p.client.send_file(file.fd, 0, 0, error), 0U);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
    ::close(pipe[0]);
    ::close(pipe[1]);
  });
}

// The default of SIGPIPE ends the process: that this test goes on is the assertion.
TEST_P(SendFile, ABrokenPipeIsAnErrorAndNoSignal) {
  in_fiber([] {
    const memory_file file(1000);
    stream_pair p = connected_pair();
    p.client.shutdown_write();
    std::error_code error;
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(p.client.send_file(file.fd, 0, 1000, error), 0U);
      EXPECT_EQ(error, std::errc::broken_pipe);
    }
  });
}

TEST(SendFileOnAPlainThread, LeavesASignalThatWaitedBeforeAndTheThreadsMask) {
  const memory_file file(1000);
  stream_pair p = connected_pair();
  p.client.shutdown_write();
  std::thread([&] {
    sigset_t only, now;
    sigemptyset(&only);
    sigaddset(&only, SIGPIPE);
    std::error_code error;
    p.client.send_file(file.fd, 0, 10, error);
    EXPECT_EQ(error, std::errc::broken_pipe);
    pthread_sigmask(SIG_BLOCK, nullptr, &now);
    EXPECT_EQ(sigismember(&now, SIGPIPE), 0);
    pthread_sigmask(SIG_BLOCK, &only, nullptr);
    p.client.send_file(file.fd, 0, 10, error);
    sigpending(&now);
    EXPECT_EQ(sigismember(&now, SIGPIPE), 0) << "its own signal is taken, though the thread blocks it";
    ASSERT_EQ(::raise(SIGPIPE), 0);
    p.client.send_file(file.fd, 0, 10, error);
    EXPECT_EQ(error, std::errc::broken_pipe);
    sigpending(&now);
    EXPECT_EQ(sigismember(&now, SIGPIPE), 1);
    const timespec at_once{};
    EXPECT_EQ(::sigtimedwait(&only, nullptr, &at_once), SIGPIPE);
  }).join();
}

TEST_P(SendFile, StopsTimesAndClosingEndTheWaitForRoom) {
  in_fiber([] {
    const memory_file file(16 << 20);
    std::error_code error;
    for (const int planted : {0, EINVAL}) {
      const planned_faults faults(call::send_file, {.error = planted}, 0, 1 << 30);
      stream_pair p = connected_pair();
      expect_cancelled([&] { p.client.send_file(file.fd, 0, file.data.size()); });
      expect_cancelled([&] { p.client.send_file(file.fd, 0, file.data.size(), error); });
      p.client.set_timeout(5ms);
      EXPECT_LT(p.client.send_file(file.fd, 0, file.data.size(), error), file.data.size());
      EXPECT_EQ(error, std::errc::timed_out);
      p.client.clear_timeout();
      auto sender = weft::spawn([&] {
        std::error_code told;
        p.client.send_file(file.fd, 0, file.data.size(), told);
        return told;
      });
      wait_until_parked(p.client.native_handle(), 1);
      p.client.close();
      EXPECT_EQ(sender.join(), std::errc::operation_canceled);
    }
  });
}

}  // namespace
