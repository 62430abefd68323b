// Options of runtimes and fibers: good ones work, bad ones are refused with a message that says what to do.
#include <cerrno>        // EPERM
#include <cstdlib>       // setenv
#include <functional>    // function
#include <stdexcept>     // invalid_argument
#include <string>        // messages
#include <system_error>  // system_error
#include <thread>        // hardware_concurrency

#include <gtest/gtest.h>

#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>

#include "io/os.hpp"               // set_fault_hook
#include "sched/runtime_impl.hpp"  // resolve_options
#include "support/child.hpp"
#include "support/instrumented.hpp"

namespace {

using weft::testing::expect_in_child;

template <class Exception>
std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Exception& e) {
    return e.what();
  }
  return {};
}

constexpr std::size_t kib = 1024;
constexpr std::size_t gib = kib * kib * kib;

TEST(Options, BadStackSizesOfARuntimeAreRefused) {
  for (const std::size_t bad : {std::size_t{0}, std::size_t{1}, 16 * kib - 1, 65 * kib * kib, 1024 * gib, SIZE_MAX}) {
    const std::string said = message_of<std::invalid_argument>(
        [bad] { weft::runtime rt(weft::runtime_options{.workers = 1, .stack_size = bad}); });
    EXPECT_NE(said.find(std::to_string(bad)), std::string::npos) << bad << ": " << said;
    EXPECT_NE(said.find("16 KiB to 64 MiB"), std::string::npos) << said;
  }
}

TEST(Options, TooManyWorkersAreRefused) {
  const std::string said =
      message_of<std::invalid_argument>([] { weft::runtime rt(weft::runtime_options{.workers = 100'000}); });
  EXPECT_NE(said.find("100000 workers are too many"), std::string::npos) << said;
}

TEST(Options, StackSizesFromEndToEndWork) {
  for (const std::size_t good : {16 * kib, 17 * kib, 100'000 * std::size_t{1}, 1024 * kib, 64 * kib * kib}) {
    if (weft::testing::instrumented && good < 64 * kib) continue;  // instrumented frames are larger
    weft::runtime rt(weft::runtime_options{.workers = 1, .stack_size = good});
    EXPECT_EQ(rt.run([] { return 5; }), 5) << good;
  }
}

TEST(Options, FiberStackSizes) {
  weft::run(weft::runtime_options{.workers = 1, .stack_size = 128 * kib}, [] {
    const auto remaining = [](std::size_t size) {
      return weft::spawn(weft::fiber_options{.stack_size = size}, [] { return weft::this_fiber::stack_remaining(); })
          .join();
    };
    EXPECT_LT(remaining(0), 128 * kib);  // 0: the runtime's
    EXPECT_GT(remaining(0), 64 * kib);
    EXPECT_GT(remaining(1024 * kib), 512 * kib);
    EXPECT_GT(remaining(600 * kib), 600 * kib);  // rounded up to a power of two, less the guard
    for (const std::size_t bad : {std::size_t{1}, 16 * kib - 1, 64 * kib * kib + 1, SIZE_MAX}) {
      EXPECT_THROW((void)weft::spawn(weft::fiber_options{.stack_size = bad}, [] {}), std::invalid_argument) << bad;
    }
  });
}

TEST(Options, WorkersDefaultToTheUsableCpus) {
  weft::runtime rt;
  EXPECT_GE(rt.workers(), 1U);
  EXPECT_LE(rt.workers(), std::thread::hardware_concurrency());
  weft::runtime three(weft::runtime_options{.workers = 3});
  EXPECT_EQ(three.workers(), 3U);
}

struct forbidden_rings {
  forbidden_rings() {
    weft::detail::os::set_fault_hook([](weft::detail::os::call which, int) noexcept {
      return weft::detail::os::fault{.error = which == weft::detail::os::call::uring_setup ? EPERM : 0};
    });
  }
  ~forbidden_rings() { weft::detail::os::set_fault_hook(nullptr); }
};

TEST(Options, TheEnvironmentOverridesTheProgram) {
  expect_in_child([] {
    ::setenv("WEFT_WORKERS", "3", 1);
    ::setenv("WEFT_STACK_SIZE", "512k", 1);
    ::setenv("WEFT_IO", "epoll", 1);
    ::setenv("WEFT_MIGRATE", "free", 1);
    const auto o = weft::detail::resolve_options(weft::runtime_options{.workers = 1});
    EXPECT_EQ(o.workers, 3U);
    EXPECT_EQ(o.stack_size, 512 * kib);
    EXPECT_EQ(o.io, weft::io_backend::epoll);
    EXPECT_EQ(o.migrate, weft::migration::free);
    weft::runtime rt(weft::runtime_options{.workers = 1});
    EXPECT_EQ(rt.workers(), 3U);
    EXPECT_GT(rt.run([] { return weft::this_fiber::stack_remaining(); }), 256 * kib);
    for (const auto& [text, bytes] : {std::pair{"65536", 64 * kib}, {"1M", 1024 * kib}, {"64m", 64 * kib * kib}}) {
      ::setenv("WEFT_STACK_SIZE", text, 1);
      EXPECT_EQ(weft::detail::resolve_options({}).stack_size, bytes);
    }
    ::setenv("WEFT_MIGRATE", "pinned", 1);
    EXPECT_EQ(weft::detail::resolve_options({.migrate = weft::migration::free}).migrate, weft::migration::pinned);
  });
}

// A backend that is not to be had is refused, not replaced by another.
TEST(Options, ABackendThatCannotBeHadIsRefused) {
  const auto refused = [](weft::runtime_options o) {
    return message_of<std::system_error>([o] { weft::runtime rt(o); });
  };
  const forbidden_rings as_in_many_containers;
  EXPECT_NE(refused({.workers = 1, .io = weft::io_backend::uring}).find("io_uring was asked for"), std::string::npos);
  expect_in_child([&] {
    ::setenv("WEFT_IO", "uring", 1);
    EXPECT_NE(refused({.workers = 1}).find("use WEFT_IO=epoll"), std::string::npos);
    EXPECT_NE(refused({.workers = 1, .io = weft::io_backend::epoll}).find("io_uring was asked for"), std::string::npos);
    ::setenv("WEFT_IO", "epoll", 1);
    weft::runtime rt({.workers = 1, .io = weft::io_backend::uring});
    EXPECT_EQ(rt.run([] { return 1; }), 1);
  });
}

TEST(Options, BadVariablesAreErrorsThatSayWhatIsExpected) {
  expect_in_child([] {
    const auto said = [](const char* name, const char* value) {
      ::setenv(name, value, 1);
      const std::string message = message_of<std::invalid_argument>([] { weft::runtime rt; });
      ::unsetenv(name);
      EXPECT_NE(message.find(std::string(name) + "=" + value), std::string::npos) << message;
      return message;
    };
    for (const char* bad : {"x", "", "0", "-1", "2x", "1025", "99999999999999999999"}) {
      EXPECT_NE(said("WEFT_WORKERS", bad).find("a number of threads from 1 to 1024"), std::string::npos) << bad;
    }
    for (const char* bad : {"0", "0k", "1", "", "big", "15k", "65m", "1t", "256kb", "99999999999999999g", "-64k"}) {
      EXPECT_NE(said("WEFT_STACK_SIZE", bad).find("bytes from 16k to 64m"), std::string::npos) << bad;
    }
    for (const char* bad : {"bogus", "", "EPOLL"}) {
      EXPECT_NE(said("WEFT_IO", bad).find("uring or epoll"), std::string::npos) << bad;
    }
    for (const char* bad : {"bogus", "", "inherit"}) {
      EXPECT_NE(said("WEFT_MIGRATE", bad).find("pinned or free"), std::string::npos) << bad;
    }
    weft::runtime good;
    EXPECT_EQ(good.run([] { return 1; }), 1);
  });
}

}  // namespace
