// A profiler's signals, ten thousand a second to each thread and without SA_RESTART, during all kinds of I/O: every system
// call may be interrupted at any time, and no operation tells its caller of it.
#include "net/session.hpp"

#include <csignal>        // sigaction
#include <filesystem>     // directory_iterator
#include <fstream>        // the data of a file
#include <string>         // text
#include <sys/syscall.h>  // SYS_tgkill
#include <thread>         // the sender
#include <unistd.h>       // getpid

#include <weft/fs/operations.hpp>
#include <weft/io/blocking.hpp>
#include <weft/io/process.hpp>

namespace {

using namespace weft_test;

std::atomic<std::uint64_t> arrived{0};
void count(int /*signal*/) { arrived.fetch_add(1, std::memory_order_relaxed); }  // relaxed: a count

// Sends SIGPROF to every thread but its own, each 100 us, for as long as it lives. The handler stays: what was sent may be
// handled later, ThreadSanitizer keeps it for a while, and the default action ends the process.
class signal_storm {
 public:
  signal_storm() {
    struct sigaction action {};
    action.sa_handler = &count;
    action.sa_flags = SA_ONSTACK;
    ::sigaction(SIGPROF, &action, nullptr);
    sender_ = std::thread([this] { send(); });
  }
  ~signal_storm() {
    over_ = true;
    sender_.join();
  }
  signal_storm(const signal_storm&) = delete;
  signal_storm& operator=(const signal_storm&) = delete;

 private:
  void send() const {
    const auto self = static_cast<pid_t>(::syscall(SYS_gettid));
    while (!over_) {
      std::error_code ignored;  // threads come and go
      for (std::filesystem::directory_iterator at("/proc/self/task", ignored), end; !ignored && at != end;
           at.increment(ignored)) {
        const auto thread = static_cast<pid_t>(std::stol(at->path().filename().string()));
        if (thread != self) ::syscall(SYS_tgkill, ::getpid(), thread, SIGPROF);
      }
      const timespec pause{.tv_sec = 0, .tv_nsec = 100'000};
      ::nanosleep(&pause, nullptr);
    }
  }
  std::atomic<bool> over_{false};
  std::thread sender_;
};

void keep_a_file(std::uint64_t key) {
  const auto data = patterned(key, 50'000);
  const auto path = std::filesystem::temp_directory_path() / ("weft-storm-" + std::to_string(::getpid()));
  auto f = weft::fs::file::open(path, {.access = weft::fs::access::write, .create = true});
  f.write_all(data);
  f.sync();
  std::vector<std::byte> back(data.size());
  EXPECT_EQ(weft::fs::file::open(path).read_exactly(back), back.size());
  EXPECT_EQ(back, data);
  weft::fs::remove(path);
}

class SignalStorm : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, SignalStorm, testing::Values(1U, 2U));

TEST_P(SignalStorm, ReachesNoCallerOfIo) {
  weft::runtime rt(workers(GetParam()));
  const seeded_faults none(1, {});
  const signal_storm storm;
  hang_guard guard;
  const std::uint64_t enough = arrived + static_cast<std::uint64_t>(rounds(5000, 500));
  std::uint64_t lap = 0;
  for (; lap < 5 || arrived < enough; ++lap) {
    guard.goes_on("lap " + std::to_string(lap));
    const open_things before;
    try {
      rt.run([&] {
        weft::scope all;
        all.spawn([&] { session(lap, none, 20'000).run(); });
        all.spawn([&] { keep_a_file(lap); });
        all.spawn([&] {
          const auto until = std::chrono::steady_clock::now() + 5ms;
          weft::this_fiber::sleep_until(until);
          EXPECT_GE(std::chrono::steady_clock::now(), until);
          EXPECT_EQ(weft::blocking([] { return 7; }), 7);
        });
        if (lap % 4 == 0) {
          all.spawn([] {
            const auto ended = weft::process::run({"cat"}, "carried through pipes");
            EXPECT_EQ(ended.output, "carried through pipes");
          });
        }
        all.join();
      });
    } catch (const std::exception& failure) {
      FAIL() << "lap " << lap << ": " << failure.what();
    }
    EXPECT_EQ(open_things(), before);
  }
}

// The waits of a plain thread, which no worker makes for it.
TEST_P(SignalStorm, ReachesNoPlainThreadThatWaits) {
  weft::runtime rt(workers(GetParam()));
  const signal_storm storm;
  const std::uint64_t enough = arrived + static_cast<std::uint64_t>(rounds(500, 100));
  std::uint64_t lap = 0;
  for (; lap < 20 || arrived < enough; ++lap) {
    stream_pair p = connected_pair();
    auto answering = rt.spawn([&] {
      std::uint64_t value = 0;
      p.server.read_exactly(writable_bytes_of(value));
      weft::this_fiber::sleep_for(1ms);
      p.server.write_all(bytes_of(value));
      return value;
    });
    p.client.write_all(bytes_of(lap));
    std::uint64_t back = 0;
    p.client.read_exactly(writable_bytes_of(back));
    EXPECT_EQ(back, lap);
    EXPECT_EQ(answering.join(), lap);
  }
}

}  // namespace
