// Child processes: what they are given, how they end, and that nothing of them is left.
#include <weft/io/process.hpp>

#include <chrono>   // literals
#include <csignal>  // signals
#include <string>   // string
#include <vector>   // vector

#include <fcntl.h>     // open
#include <sys/wait.h>  // waitpid
#include <unistd.h>    // getpid

#include <gtest/gtest.h>
#include <weft/fiber/cancelled.hpp>
#include <weft/sched/fiber.hpp>
#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>
#include <weft/task/deadline.hpp>

#include "io/descriptor_slot.hpp"
#include "io/faults.hpp"
#include "support/instrumented.hpp"  // emulated

namespace {

using namespace std::chrono_literals;
using weft::exit_status;
using weft::process;
using weft::stdio;
using weft_test::planned_faults;
namespace os = weft::detail::os;

std::vector<std::string> sh(std::string script) { return {"sh", "-c", std::move(script)}; }

// Neither a running nor a dead child of this process is left.
void expect_no_children() {
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child was left";
  EXPECT_EQ(errno, ECHILD);
}

class Process : public ::testing::TestWithParam<unsigned> {
 protected:
  template <class F>
  void go(F&& body) {
    if (GetParam() == 0) {
      body();
    } else {
      weft::run({.workers = GetParam()}, body);
    }
    expect_no_children();
  }
};
INSTANTIATE_TEST_SUITE_P(Callers, Process, ::testing::Values(0, 1, 2));

TEST_P(Process, TellsHowItEnded) {
  go([] {
    process fine = process::spawn({"true"});
    EXPECT_GT(fine.id(), 0);
    EXPECT_EQ(fine.wait(), (exit_status{.code = 0}));
    EXPECT_TRUE(fine.wait().success()) << "again";
    EXPECT_EQ(fine.id(), -1);
    process failed = process::spawn(sh("exit 7"));
    EXPECT_EQ(failed.wait(), (exit_status{.code = 7}));
    process ended = process::spawn(sh("kill -TERM $$"));
    EXPECT_EQ(ended.wait(), (exit_status{.code = -1, .signal = SIGTERM}));
    EXPECT_FALSE(ended.wait().success());
  });
}

TEST_P(Process, IsKilledOnceAndNeverAStranger) {
  go([] {
    process sleeper = process::spawn({"sleep", "1000"});
    EXPECT_EQ(sleeper.try_wait(), std::nullopt);
    EXPECT_EQ(sleeper.wait_for(2ms), std::nullopt);
    sleeper.kill(SIGTERM);
    EXPECT_EQ(sleeper.wait().signal, SIGTERM);
    EXPECT_EQ(sleeper.try_wait()->signal, SIGTERM);
    std::error_code error;
    sleeper.kill(SIGTERM, error);
    EXPECT_EQ(error, std::errc::no_such_process);
    EXPECT_THROW(sleeper.kill(SIGTERM), std::system_error);
  });
}

TEST_P(Process, DiesWithItsObject) {
  go([] {
    int number = 0;
    {
      process sleeper = process::spawn({"sleep", "1000"});
      number = sleeper.id();
      process other = process::spawn({"sleep", "1000"});
      other = std::move(sleeper);
      EXPECT_EQ(other.id(), number);
      EXPECT_FALSE(sleeper.has_child());
    }
    EXPECT_EQ(::kill(number, 0), -1);
    process released = process::spawn({"true"});
    number = released.release();
    released = {};
    int status = -1;
    EXPECT_EQ(::waitpid(number, &status, 0), number);
    EXPECT_EQ(status, 0);
  });
}

TEST_P(Process, SpeaksThroughPipes) {
  go([] {
    process cat = process::spawn({"cat"}, {.input = stdio::pipe(), .output = stdio::pipe()});
    EXPECT_FALSE(cat.error().is_open());
    cat.input().write_all(std::as_bytes(std::span("hello", 5)));
    std::string got(5, '?');
    cat.output().read_exactly(std::as_writable_bytes(std::span(got)));
    EXPECT_EQ(got, "hello");
    cat.input().close();
    EXPECT_EQ(cat.output().read_to_end(), "");
    EXPECT_TRUE(cat.wait().success());
  });
}

TEST_P(Process, RunsWithInputOutputAndError) {
  go([] {
    const auto got = process::run(sh("cat; echo oops >&2; exit 3"), "text");
    EXPECT_EQ(got.output, "text");
    EXPECT_EQ(got.error, "oops\n");
    EXPECT_EQ(got.status.code, 3);
    EXPECT_EQ(process::run({"cat"}).output, "") << "no input is /dev/null";
    const auto mixed = process::run(sh("echo a; echo b >&2; echo c"), {}, {.error = stdio::same_as_output()});
    EXPECT_EQ(mixed.output, "a\nb\nc\n");
    EXPECT_EQ(mixed.error, "");
    EXPECT_TRUE(process::run({"true"}, std::string(1 << 20, 'x')).status.success()) << "does not read what it is given";
  });
}

TEST_P(Process, RunsWithMoreThanPipesHoldInAllDirections) {
  go([] {
    const std::string large(2'000'000, 'x');
    const auto got = process::run(sh("tee /dev/stderr"), large);
    EXPECT_EQ(got.output, large);
    EXPECT_EQ(got.error, large);
  });
}

// Why a program could not be started is written by the child into memory that it shares with its parent until then.
constexpr const char* no_vfork = "qemu-user makes a fork of a vfork: what the child wrote was not seen by its parent";

TEST_P(Process, HasTheEnvironmentAndTheDirectoryItIsGiven) {
  if (weft::testing::emulated) GTEST_SKIP() << no_vfork;
  go([] {
    weft::process_options options;
    options.environment = {"GREETING=hi", "PATH=/usr/bin:/bin"};
    options.working_directory = "/";
    EXPECT_EQ(process::run(sh("echo $GREETING $HOME; pwd"), {}, options).output, "hi\n/\n");
    EXPECT_EQ(process::run(sh("pwd"), {}, {}).output, std::filesystem::current_path().string() + "\n");
    std::error_code error;
    options.working_directory = "/no/such/directory";
    process::run({"true"}, {}, options, error);
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
  });
}

TEST_P(Process, SaysWhyItCannotBeStarted) {
  if (weft::testing::emulated) GTEST_SKIP() << no_vfork;
  go([] {
    std::error_code error;
    EXPECT_FALSE(process::spawn({"no-such-program-anywhere"}, {}, error).has_child());
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
    process::spawn({"/dev/null"}, {}, error);
    EXPECT_EQ(error, std::errc::permission_denied);
    process::spawn({}, {}, error);
    EXPECT_EQ(error, std::errc::invalid_argument);
    process::spawn({"true", std::string("a\0b", 3)}, {}, error);
    EXPECT_EQ(error, std::errc::invalid_argument);
    process::spawn({"true"}, {.output = stdio::same_as_output()}, error);
    EXPECT_EQ(error, std::errc::invalid_argument);
    process::spawn({"true"}, {.output = stdio::descriptor(-1)}, error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
    EXPECT_THROW(static_cast<void>(process::spawn({"no-such-program-anywhere"})), std::system_error);
    process none;
    EXPECT_EQ(none.wait(error), exit_status{});
    EXPECT_EQ(error, std::errc::no_child_process);
  });
}

TEST_P(Process, StartsWithNoSignalBlockedAndPipesThatKill) {
  go([] {
    const auto before = std::signal(SIGPIPE, SIG_IGN);
    const auto got = process::run(sh("grep -E 'SigBlk|SigIgn' /proc/self/status"));
    std::signal(SIGPIPE, before);
    EXPECT_NE(got.output.find("SigBlk:\t0000000000000000"), std::string::npos) << got.output;
    const std::size_t ignored = got.output.find("SigIgn:\t");
    ASSERT_NE(ignored, std::string::npos);
    EXPECT_EQ(std::stoull(got.output.substr(ignored + 8), nullptr, 16) & (1ULL << (SIGPIPE - 1)), 0U);
  });
}

// What a child may get of this process, besides the standard ones: the test's own, and what it was started with.
int inheritable_descriptors() {
  int count = 0;
  for (int fd = 3; fd < 1024; ++fd) {
    const int flags = ::fcntl(fd, F_GETFD);
    count += flags >= 0 && (flags & FD_CLOEXEC) == 0 ? 1 : 0;
  }
  return count;
}

// However many are open: only the three standard ones, and that of the directory being read, are in the child.
TEST_P(Process, GetsNoDescriptorsButItsOwn) {
  go([] {
    std::vector<weft::pipe> weft_pipes(20);
    const int inherited = inheritable_descriptors();
    std::vector<int> careless;
    for (int i = 0; i < 50; ++i) {
      careless.push_back(::open("/dev/null", O_RDONLY));  // not close-on-exec
    }
    EXPECT_EQ(inheritable_descriptors(), inherited + 50);
    std::vector<process> others;
    for (int i = 0; i < 5; ++i) {
      others.push_back(process::spawn({"cat"}, {.input = stdio::pipe(), .output = stdio::pipe()}));
    }
    const auto got = process::run(sh("ls /proc/self/fd | wc -l"));
    EXPECT_EQ(std::stoi(got.output), 4) << got.output;
    const auto kept = process::run(sh("ls /proc/self/fd | wc -l"), {}, {.keep_descriptors = true});
    EXPECT_EQ(std::stoi(kept.output), 4 + inherited + 50) << "weft's own are close-on-exec";
    for (auto& o : others) {
      o.input().close();
      EXPECT_EQ(o.output().read_to_end(), "") << "another child has the writing end of its input";
      EXPECT_TRUE(o.wait().success());
    }
    for (const int fd : careless) {
      ::close(fd);
    }
  });
}

TEST_P(Process, TakesGivenDescriptorsWhateverTheirNumbers) {
  go([] {
    weft::pipe p;
    const int saved = ::fcntl(0, F_DUPFD_CLOEXEC, 3);
    process echo =
        process::spawn(sh("echo text; echo error >&2"), {.input = stdio::null(),
                                                         .output = stdio::descriptor(p.writer.native_handle()),
                                                         .error = stdio::descriptor(p.writer.native_handle())});
    EXPECT_TRUE(echo.wait().success());
    p.writer.close();
    EXPECT_EQ(p.reader.read_to_end(), "text\nerror\n");
    // Input and output are each other's numbers.
    int fds[2];
    ASSERT_EQ(::pipe2(fds, O_CLOEXEC), 0);
    const int out = ::fcntl(1, F_DUPFD_CLOEXEC, 3);
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    ::dup2(fds[1], 0);
    ::dup2(null, 1);
    process crossed = process::spawn(sh("echo crossed; readlink /proc/self/fd/0"),
                                     {.input = stdio::descriptor(1), .output = stdio::descriptor(0)});
    const bool success = crossed.wait().success();
    ::dup2(saved, 0);
    ::dup2(out, 1);
    ::close(fds[1]);
    ::close(saved);
    ::close(out);
    ::close(null);
    EXPECT_TRUE(success);
    EXPECT_EQ(weft::pipe_reader::from_native(fds[0]).read_to_end(), "crossed\n/dev/null\n");
  });
}

TEST_P(Process, OfAGroupIsKilledWithAllOfIt) {
  go([] {
    process group =
        process::spawn(sh("sleep 1000 & sleep 1000 & echo ready; wait"), {.output = stdio::pipe(), .new_group = true});
    std::string ready(6, '?');
    group.output().read_exactly(std::as_writable_bytes(std::span(ready)));
    group.kill(SIGKILL);
    EXPECT_EQ(group.wait().signal, SIGKILL);
    EXPECT_EQ(group.output().read_to_end(), "") << "a member lives and has the pipe";
  });
}

TEST_P(Process, IsWaitedForWithoutAPidfd) {
  go([] {
    const planned_faults none(os::call::pidfd, {.error = ENOSYS}, 0, 100);
    process quick = process::spawn(sh("exit 4"));
    EXPECT_EQ(quick.wait().code, 4);
    process sleeper = process::spawn({"sleep", "1000"});
    EXPECT_EQ(sleeper.wait_for(3ms), std::nullopt);
    sleeper.kill(SIGINT);
    EXPECT_EQ(sleeper.wait().signal, SIGINT);
  });
}

TEST_P(Process, ReapedBySomebodyElseIsAnErrorAndNotKilled) {
  go([] {
    process stolen = process::spawn({"true"});
    EXPECT_EQ(::waitpid(stolen.id(), nullptr, 0), stolen.id());
    std::error_code error;
    stolen.wait(error);
    EXPECT_EQ(error, std::errc::no_child_process);
    stolen.kill(SIGTERM, error);
    EXPECT_EQ(error, std::errc::no_such_process);
  });
}

TEST_P(Process, FailuresOnTheWayLeaveNothing) {
  go([] {
    const int before = ::dup(0);
    ::close(before);
    for (const os::call which : {os::call::pipe, os::call::duplicate, os::call::option, os::call::spawn}) {
      for (int at = 0; at < (which == os::call::spawn ? 1 : 3); ++at) {
        const planned_faults broken(which, {.error = EMFILE}, at);
        std::error_code error;
        process::spawn({"true"}, {.input = stdio::pipe(), .output = stdio::pipe(), .error = stdio::pipe()}, error);
        EXPECT_EQ(error, std::errc::too_many_files_open);
      }
    }
    const int after = ::dup(0);
    EXPECT_EQ(after, before);
    ::close(after);
  });
}

TEST(ProcessInFibers, AStopEndsTheWaitAndKillsOnlyWhenAsked) {
  weft::run({.workers = 1}, [] {
    for (const bool with_pidfd : {true, false}) {
      const planned_faults none(os::call::pidfd, {.error = ENOSYS}, 0, with_pidfd ? 0 : 100);
      process kept = process::spawn({"sleep", "1000"});
      process killed = process::spawn({"sleep", "1000"}, {.kill_on_cancel = true});
      for (process* one : {&kept, &killed}) {
        auto waiter = weft::spawn([&] { one->wait(); });
        for (int i = 0; i < 20; ++i) {
          weft::this_fiber::yield();
        }
        waiter.request_stop();
        EXPECT_THROW(waiter.join(), weft::cancelled);
      }
      EXPECT_EQ(kept.try_wait(), std::nullopt);
      EXPECT_EQ(killed.try_wait()->signal, SIGKILL);
    }
  });
  expect_no_children();
}

TEST(ProcessInFibers, ADeadlineAroundRunKillsTheChild) {
  weft::run({.workers = 1}, [] {
    EXPECT_THROW(weft::with_timeout(5ms,
                                    [] {
                                      static_cast<void>(process::run({"sleep", "1000"}, "input"));
                                    }),
                 weft::timed_out);
  });
  expect_no_children();
}

TEST(ProcessInFibers, AllWhoWaitGetTheStatus) {
  weft::run({.workers = 2}, [] {
    process sleeper = process::spawn({"sleep", "1000"});
    std::vector<weft::fiber<int>> waiters;
    for (int i = 0; i < 10; ++i) {
      waiters.push_back(weft::spawn([&] { return sleeper.wait().signal; }));
    }
    for (int i = 0; i < 50; ++i) {
      weft::this_fiber::yield();
    }
    sleeper.kill(SIGHUP);
    for (auto& w : waiters) {
      EXPECT_EQ(w.join(), SIGHUP);
    }
  });
  expect_no_children();
}

TEST(ProcessInFibers, ManyAtATime) {
  weft::run({.workers = 2}, [] {
    std::vector<weft::fiber<std::string>> runs;
    for (int i = 0; i < 40; ++i) {
      runs.push_back(weft::spawn([i] { return process::run({"cat"}, std::to_string(i)).output; }));
    }
    for (int i = 0; i < 40; ++i) {
      EXPECT_EQ(runs[static_cast<std::size_t>(i)].join(), std::to_string(i));
    }
  });
  expect_no_children();
}

}  // namespace
