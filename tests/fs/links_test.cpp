// Symbolic and hard links, and the position of a file.
#include <cerrno>  // error numbers
#include <span>    // span
#include <string>  // string

#include <unistd.h>  // dup

#include <gtest/gtest.h>
#include <weft/fiber/cancelled.hpp>
#include <weft/fs/file.hpp>
#include <weft/fs/operations.hpp>
#include <weft/io/pipe.hpp>
#include <weft/sched/fiber.hpp>

#include "fs/callers.hpp"
#include "fs/temporary_folder.hpp"
#include "io/faults.hpp"

namespace {

using weft::fs::seek_from;
using weft_test::bytes;
using weft_test::planned_faults;
using weft_test::temporary_folder;
namespace fs = weft::fs;
namespace os = weft::detail::os;

class Links : public weft_test::from_thread_or_fiber {};
INSTANTIATE_TEST_SUITE_P(Callers, Links, ::testing::Values(0, 1));
class Positions : public weft_test::from_thread_or_fiber {};
INSTANTIATE_TEST_SUITE_P(Callers, Positions, ::testing::Values(0, 1));

TEST_P(Links, SymbolicOnesAreTextThatLeadsOn) {
  go([&] {
    fs::write_file(folder_ / "file", "12345");
    fs::create_symlink("file", folder_ / "link");
    EXPECT_EQ(fs::read_symlink(folder_ / "link"), "file");
    EXPECT_EQ(fs::read_file(folder_ / "link"), "12345");
    EXPECT_EQ(fs::stat(folder_ / "link").type, fs::file_type::regular);
    EXPECT_EQ(fs::lstat(folder_ / "link").type, fs::file_type::symlink);
    EXPECT_EQ(fs::lstat(folder_ / "link").size, 4U) << "the length of its text";
    EXPECT_EQ(fs::lstat(folder_ / "file").inode, fs::stat(folder_ / "link").inode);
    EXPECT_TRUE(fs::remove(folder_ / "link"));
    EXPECT_EQ(fs::read_file(folder_ / "file"), "12345");
  });
}

TEST_P(Links, MayLeadNowhere) {
  go([&] {
    fs::create_symlink("none", folder_ / "link");
    EXPECT_EQ(fs::lstat(folder_ / "link").type, fs::file_type::symlink);
    std::error_code error;
    EXPECT_EQ(fs::stat(folder_ / "link", error).type, fs::file_type::none);
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
    EXPECT_EQ(fs::lstat("", error).type, fs::file_type::none);
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
    EXPECT_THROW(static_cast<void>(fs::lstat(folder_ / "none")), std::system_error);
  });
}

TEST_P(Links, TextsOfAnyLengthAreRead) {
  go([&] {
    for (const std::size_t length : {1U, 255U, 256U, 257U, 1000U, 4000U}) {
      const std::string text(length, 'x');
      fs::create_symlink(text, folder_ / "link");
      EXPECT_EQ(fs::read_symlink(folder_ / "link").string(), text);
      fs::remove(folder_ / "link");
    }
  });
}

TEST_P(Links, HardOnesAreNamesOfOneFile) {
  go([&] {
    fs::write_file(folder_ / "a", "text");
    fs::create_hard_link(folder_ / "a", folder_ / "b");
    EXPECT_EQ(fs::stat(folder_ / "a").links, 2U);
    EXPECT_EQ(fs::stat(folder_ / "a").inode, fs::stat(folder_ / "b").inode);
    fs::remove(folder_ / "a");
    EXPECT_EQ(fs::read_file(folder_ / "b"), "text");
    fs::create_symlink("b", folder_ / "link");
    fs::create_hard_link(folder_ / "link", folder_ / "second");
    EXPECT_EQ(fs::lstat(folder_ / "second").type, fs::file_type::symlink) << "the link was followed";
  });
}

TEST_P(Links, WhatIsThereAlreadyIsNotReplaced) {
  go([&] {
    fs::write_file(folder_ / "a", "a");
    fs::write_file(folder_ / "b", "b");
    std::error_code error;
    fs::create_symlink("a", folder_ / "b", error);
    EXPECT_EQ(error, std::errc::file_exists);
    fs::create_hard_link(folder_ / "a", folder_ / "b", error);
    EXPECT_EQ(error, std::errc::file_exists);
    EXPECT_EQ(fs::read_file(folder_ / "b"), "b");
    fs::create_hard_link(folder_ / "none", folder_ / "c", error);
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
    EXPECT_EQ(fs::read_symlink(folder_ / "a", error), "");
    EXPECT_EQ(error, std::errc::invalid_argument) << "it is no link";
    EXPECT_THROW(fs::create_symlink("a", folder_ / "b"), std::system_error);
    EXPECT_THROW(fs::create_hard_link(folder_ / "a", folder_ / "b"), std::system_error);
    EXPECT_THROW(static_cast<void>(fs::read_symlink(folder_ / "a")), std::system_error);
  });
}

TEST_P(Links, ErrorsOfTheSystemAreReported) {
  go([&] {
    fs::create_symlink("a", folder_ / "link");
    std::error_code error;
    {
      const planned_faults broken(os::call::symlink, {.error = EIO});
      fs::create_symlink("a", folder_ / "b", error);
      EXPECT_EQ(error, std::errc::io_error);
    }
    {
      const planned_faults broken(os::call::link, {.error = EXDEV});
      fs::create_hard_link(folder_ / "link", folder_ / "b", error);
      EXPECT_EQ(error, std::errc::cross_device_link);
    }
    {
      const planned_faults broken(os::call::read_link, {.error = EIO});
      EXPECT_EQ(fs::read_symlink(folder_ / "link", error), "");
      EXPECT_EQ(error, std::errc::io_error);
    }
    {
      const planned_faults broken(os::call::status, {.error = EIO});
      EXPECT_EQ(fs::lstat(folder_ / "link", error).type, fs::file_type::none);
      EXPECT_EQ(error, std::errc::io_error);
    }
    for (const os::call which : {os::call::symlink, os::call::read_link}) {
      const planned_faults interrupted(which, {.error = EINTR}, 0, 3);
      fs::remove(folder_ / "b");
      fs::create_symlink("text", folder_ / "b", error);
      EXPECT_FALSE(error);
      EXPECT_EQ(fs::read_symlink(folder_ / "b", error), "text");
      EXPECT_FALSE(error);
    }
    EXPECT_EQ(folder_.entries(), 2);
  });
}

TEST_P(Positions, AreMovedAndTold) {
  go([&] {
    fs::file f = fs::file::open(folder_ / "a", {.access = fs::access::read_write, .create = true});
    EXPECT_EQ(f.tell(), 0U);
    f.write_all(bytes("0123456789"));
    EXPECT_EQ(f.tell(), 10U);
    std::string digit(1, ' ');
    const auto next = [&] {
      f.read_exactly(std::as_writable_bytes(std::span(digit)));
      return digit;
    };
    EXPECT_EQ(f.seek(3), 3U);
    EXPECT_EQ(next(), "3");
    EXPECT_EQ(f.seek(2, seek_from::position), 6U);
    EXPECT_EQ(next(), "6");
    EXPECT_EQ(f.seek(-1, seek_from::end), 9U);
    EXPECT_EQ(next(), "9");
    EXPECT_EQ(f.seek(2, seek_from::end), 12U);
    f.write_all(bytes("c"));
    EXPECT_EQ(fs::read_file(folder_ / "a"), std::string("0123456789\0\0c", 13));
    f.read_exactly_at(std::as_writable_bytes(std::span(digit)), 0);
    EXPECT_EQ(f.tell(), 13U) << "an operation with an offset has moved it";
  });
}

TEST_P(Positions, WhatCannotBeSoughtSaysSo) {
  go([&] {
    fs::file f = fs::file::open(folder_ / "a", {.access = fs::access::write, .create = true});
    std::error_code error;
    f.seek(5);
    EXPECT_EQ(f.seek(-6, seek_from::position, error), 0U);
    EXPECT_EQ(error, std::errc::invalid_argument);
    EXPECT_EQ(f.tell(error), 5U) << "it has moved all the same";
    EXPECT_FALSE(error);
    EXPECT_THROW(f.seek(-1), std::system_error);
    {
      const planned_faults broken(os::call::seek, {.error = EIO});
      f.seek(0, seek_from::start, error);
      EXPECT_EQ(error, std::errc::io_error);
    }
    f.close();
    f.seek(0, seek_from::start, error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);

    weft::pipe pipe;
    fs::file end = fs::file::from_native(::dup(pipe.reader.native_handle()));
    EXPECT_EQ(end.tell(error), 0U);
    EXPECT_EQ(error, std::errc::invalid_seek);
  });
}

TEST(StoppedLinkOperations, LeaveNoLink) {
  const temporary_folder folder;
  weft::run({.workers = 1}, [&] {  // another one could have begun with it before the stop
    auto stopped = weft::spawn([&] { fs::create_symlink("text", folder / "link"); });
    stopped.request_stop();
    EXPECT_THROW(stopped.join(), weft::cancelled);
  });
  EXPECT_EQ(folder.entries(), 0);
}

}  // namespace
