// Files by the worker's ring: no thread of the blocking pool is needed, and one serves where the kernel does not know a call.
#include <cerrno>  // error numbers
#include <string>  // string

#include <gtest/gtest.h>
#include <weft/fs/file.hpp>
#include <weft/fs/operations.hpp>

#include "fs/temporary_folder.hpp"
#include "io/blocking_pool.hpp"
#include "io/faults.hpp"
#include "io/ring.hpp"
#include "sched/poller.hpp"

namespace {

using weft_test::bytes;
using weft_test::planned_faults;
using weft_test::temporary_folder;
namespace d = weft::detail;
namespace os = weft::detail::os;
namespace fs = weft::fs;

class RingFiles : public testing::Test {
 protected:
  void SetUp() override {
    if (d::why_no_uring() != 0) {
      GTEST_SKIP() << "no io_uring here: errno " << d::why_no_uring();
    }
  }
};

// Everything that a ring may do; the content and the names are checked on the way.
void use_all_calls(const temporary_folder& folder) {
  fs::create_directory(folder / "d");
  {
    fs::file f = fs::file::open(folder / "d" / "a", {.access = fs::access::read_write, .create = true});
    f.write_all(bytes("hello, "));
    f.write_all(bytes("ring"));
    f.sync();
    EXPECT_EQ(f.stat().size, 11U);
    std::string text(11, ' ');
    f.read_exactly_at(std::as_writable_bytes(std::span(text)), 0);
    EXPECT_EQ(text, "hello, ring");
    f.close();
  }
  fs::rename(folder / "d" / "a", folder / "d" / "b");
  EXPECT_EQ(fs::read_file(folder / "d" / "b"), "hello, ring");
  EXPECT_EQ(fs::stat(folder / "d" / "b").size, 11U);
  fs::remove(folder / "d" / "b");
  fs::remove(folder / "d");
  EXPECT_EQ(folder.entries(), 0);
}

TEST_F(RingFiles, NeedNoThreadOfThePool) {
  const temporary_folder folder;
  weft::run({.workers = 1, .io = weft::io_backend::uring}, [&] {
    if (d::current_ring(d::ring_call::write) == nullptr || d::current_ring(d::ring_call::make_directory) == nullptr) {
      GTEST_SKIP() << "an old kernel, whose rings know less";
    }
    d::blocking_pool::instance().end_idle_threads();
    const planned_faults no_threads(os::call::thread, {.error = EAGAIN}, 0, 1 << 30);
    use_all_calls(folder);
    EXPECT_EQ(planned_faults::calls(), 0);
  });
}

TEST_F(RingFiles, WithoutRoomInTheRingThePoolServes) {
  const temporary_folder folder;
  weft::run({.workers = 1, .io = weft::io_backend::uring}, [&] {
    const planned_faults no_room(os::call::uring_entry, {.error = ENOBUFS}, 0, 1 << 30);
    use_all_calls(folder);
    EXPECT_GT(planned_faults::calls(), 10);
  });
}

TEST_F(RingFiles, WhatTheKernelDoesNotKnowThePoolDoes) {
  const temporary_folder folder;
  weft::run({.workers = 1, .io = weft::io_backend::uring}, [&] {
    ASSERT_NE(d::current_ring(d::ring_call::poll), nullptr);  // made before its abilities are denied
    const planned_faults unknown(os::call::uring_probe, {.error = ENOSYS}, 0, 1 << 30);
    EXPECT_EQ(d::current_ring(d::ring_call::read), nullptr);
    use_all_calls(folder);
  });
}

TEST_F(RingFiles, ErrorsAreThoseOfTheCall) {
  const temporary_folder folder;
  weft::run({.workers = 1, .io = weft::io_backend::uring}, [&] {
    std::error_code error;
    fs::file::open(folder / "none", {}, error);
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
    EXPECT_FALSE(fs::remove(folder / "none", error));
    EXPECT_FALSE(error);
    fs::rename(folder / "none", folder / "some", error);
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
    fs::file full = fs::file::open("/dev/full", {.access = fs::access::write});
    full.write_all(bytes("x"), error);
    EXPECT_EQ(error, std::errc::no_space_on_device);
  });
}

}  // namespace
