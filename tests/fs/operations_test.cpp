// Whole files, names and directories.
#include <weft/fs/operations.hpp>

#include <algorithm>  // sort
#include <fstream>    // ofstream
#include <string>     // string
#include <vector>     // vector

#include <sys/stat.h>  // chmod

#include <gtest/gtest.h>
#include <weft/fiber/cancelled.hpp>
#include <weft/sched/fiber.hpp>
#include <weft/sched/this_fiber.hpp>

#include "fs/callers.hpp"
#include "fs/temporary_folder.hpp"
#include "io/faults.hpp"

namespace {

using weft_test::planned_faults;
using weft_test::temporary_folder;
namespace fs = weft::fs;
namespace os = weft::detail::os;

class Files : public weft_test::from_thread_or_fiber {};
INSTANTIATE_TEST_SUITE_P(Callers, Files, ::testing::Values(0, 1));

std::string large_text(std::size_t size) {
  std::string text(size, ' ');
  for (std::size_t i = 0; i < size; ++i) {
    text[i] = static_cast<char>('!' + (i * 2654435761U >> 7) % 90);
  }
  return text;
}

TEST_P(Files, AreWrittenAndReadWhole) {
  go([&] {
    for (const std::size_t size : {0U, 1U, 4095U, 4096U, 4097U, 300'000U}) {
      const std::string text = large_text(size);
      fs::write_file(folder_ / "a", text);
      EXPECT_EQ(fs::read_file(folder_ / "a"), text);
    }
    fs::write_file(folder_ / "a", weft_test::bytes("short"));
    EXPECT_EQ(fs::read_file(folder_ / "a"), "short");
    EXPECT_NE(fs::read_file("/proc/self/status").find("Threads:"), std::string::npos) << "its size is said to be 0";
    std::error_code error;
    EXPECT_EQ(fs::read_file(folder_ / "none", error), "");
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
    EXPECT_EQ(fs::read_file(folder_.path(), error), "");
    EXPECT_EQ(error, std::errc::is_a_directory);
    EXPECT_THROW(static_cast<void>(fs::read_file(folder_ / "none")), std::system_error);
    fs::write_file("/dev/full", "x", error);
    EXPECT_EQ(error, std::errc::no_space_on_device);
  });
}

TEST_P(Files, AreReadWholeInShortPieces) {
  go([&] {
    const std::string text = large_text(1000);
    fs::write_file(folder_ / "a", text);
    const planned_faults pieces(os::call::read, {.limit = 7}, 0, 1000);
    EXPECT_EQ(fs::read_file(folder_ / "a"), text);
  });
}

TEST_P(Files, AreReplacedAtOneStrokeWithTheirPermissions) {
  go([&] {
    fs::replace_file(folder_ / "a", "first");
    EXPECT_EQ(fs::read_file(folder_ / "a"), "first");
    ::chmod((folder_ / "a").c_str(), 0604);
    const auto reader = fs::file::open(folder_ / "a");
    fs::replace_file(folder_ / "a", "second");
    EXPECT_EQ(fs::read_file(folder_ / "a"), "second");
    EXPECT_EQ(fs::stat(folder_ / "a").permissions, fs::perms(0604));
    EXPECT_EQ(folder_.entries(), 1) << "something was left behind";
  });
}

TEST_P(Files, KeepTheirContentWhenReplacingThemFails) {
  go([&] {
    fs::write_file(folder_ / "a", "old");
    for (const os::call which :
         {os::call::write, os::call::sync, os::call::rename, os::call::permissions, os::call::status}) {
      std::error_code error;
      {
        const planned_faults broken(which, {.error = EIO});
        fs::replace_file(folder_ / "a", "new", error);
      }
      EXPECT_EQ(error, std::errc::io_error);
      EXPECT_EQ(fs::read_file(folder_ / "a"), "old");
      EXPECT_EQ(folder_.entries(), 1) << "something was left behind";
    }
    fs::replace_file(folder_ / "a", "new");
    EXPECT_EQ(fs::read_file(folder_ / "a"), "new");
  });
}

TEST_P(Files, AreCopiedByTheKernelOrThroughMemory) {
  go([&] {
    const std::string text = large_text(5'000'000);
    fs::write_file(folder_ / "a", text);
    ::chmod((folder_ / "a").c_str(), 0640);
    for (const int error : {0, EXDEV, EINVAL, ENOSYS}) {
      const planned_faults cannot(os::call::copy_range, {.error = error}, 0, error == 0 ? 0 : 1);
      EXPECT_EQ(fs::copy_file(folder_ / "a", folder_ / "b", fs::if_exists::overwrite), text.size());
      EXPECT_EQ(fs::read_file(folder_ / "b"), text);
      EXPECT_EQ(fs::stat(folder_ / "b").permissions, fs::perms(0640));
    }
    EXPECT_GT(fs::copy_file("/proc/self/status", folder_ / "status"), 0U);
    fs::write_file(folder_ / "a", "less");
    fs::copy_file(folder_ / "a", folder_ / "b", fs::if_exists::overwrite);
    EXPECT_EQ(fs::read_file(folder_ / "b"), "less");
  });
}

TEST_P(Files, AreNotCopiedOverOthersUnasked) {
  go([&] {
    fs::write_file(folder_ / "a", "a");
    fs::write_file(folder_ / "b", "b");
    std::error_code error;
    fs::copy_file(folder_ / "a", folder_ / "b", fs::if_exists::fail, error);
    EXPECT_EQ(error, std::errc::file_exists);
    EXPECT_EQ(fs::read_file(folder_ / "b"), "b");
    fs::copy_file(folder_ / "a", folder_ / "a", fs::if_exists::overwrite, error);
    EXPECT_EQ(error, std::errc::file_exists);
    EXPECT_EQ(fs::read_file(folder_ / "a"), "a");
    fs::copy_file(folder_ / "none", folder_ / "c", fs::if_exists::fail, error);
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
    {
      const planned_faults broken(os::call::copy_range, {.error = ENOSPC});
      fs::copy_file(folder_ / "a", folder_ / "c", fs::if_exists::fail, error);
    }
    EXPECT_EQ(error, std::errc::no_space_on_device);
    EXPECT_EQ(folder_.entries(), 2) << "a part of a copy was left behind";
  });
}

TEST_P(Files, AreRenamedAndRemoved) {
  go([&] {
    fs::write_file(folder_ / "a", "a");
    fs::write_file(folder_ / "b", "b");
    fs::rename(folder_ / "a", folder_ / "b");
    EXPECT_EQ(fs::read_file(folder_ / "b"), "a");
    EXPECT_TRUE(fs::remove(folder_ / "b"));
    EXPECT_FALSE(fs::remove(folder_ / "b"));
    std::error_code error;
    fs::rename(folder_ / "a", folder_ / "b", error);
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
    EXPECT_THROW(fs::rename(folder_ / "a", folder_ / "b"), std::system_error);
    EXPECT_TRUE(fs::create_directory(folder_ / "d"));
    EXPECT_FALSE(fs::create_directory(folder_ / "d"));
    fs::write_file(folder_ / "d" / "x", "x");
    EXPECT_FALSE(fs::remove(folder_ / "d", error));
    EXPECT_EQ(error, std::errc::directory_not_empty);
    EXPECT_FALSE(fs::create_directory(folder_ / "d" / "x", error)) << "a file has the name";
    EXPECT_EQ(error, std::errc::file_exists);
    fs::remove(folder_ / "d" / "x");
    EXPECT_TRUE(fs::remove(folder_ / "d"));
    EXPECT_FALSE(fs::create_directory(folder_ / "d" / "e" / "f", error));
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
  });
}

TEST_P(Files, TellWhatTheyAre) {
  go([&] {
    fs::write_file(folder_ / "a", "12345");
    const fs::file_info a = fs::stat(folder_ / "a");
    EXPECT_EQ(a.type, fs::file_type::regular);
    EXPECT_EQ(a.size, 5U);
    EXPECT_EQ(a.links, 1U);
    EXPECT_EQ(a.user, ::getuid());
    EXPECT_LT(std::chrono::abs(std::chrono::system_clock::now() - a.modified), std::chrono::hours(1));
    EXPECT_EQ(fs::stat(folder_.path()).type, fs::file_type::directory);
    EXPECT_EQ(fs::stat("/dev/null").type, fs::file_type::character);
    std::error_code error;
    EXPECT_EQ(fs::stat("", error).type, fs::file_type::none);
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
  });
}

TEST_P(Files, AreListedWithTheirTypes) {
  go([&] {
    EXPECT_TRUE(fs::list_directory(folder_.path()).empty());
    fs::create_directory(folder_ / "d");
    std::filesystem::create_symlink("nowhere", folder_ / "l");
    std::vector<std::string> expected{"d", "l"};
    for (int i = 0; i < 1500; ++i) {  // more than one call lists
      expected.push_back("file with a long name " + std::to_string(i));
      std::ofstream made(folder_ / expected.back());
    }
    std::vector<std::string> names;
    for (const auto& entry : fs::list_directory(folder_.path())) {
      const auto type = entry.name == "d"   ? fs::file_type::directory
                        : entry.name == "l" ? fs::file_type::symlink
                                            : fs::file_type::regular;
      EXPECT_TRUE(entry.type == type || entry.type == fs::file_type::unknown) << entry.name;
      names.push_back(entry.name);
    }
    std::ranges::sort(names);
    std::ranges::sort(expected);
    EXPECT_EQ(names, expected);
    std::error_code error;
    EXPECT_TRUE(fs::list_directory(folder_ / "l", error).empty());
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
    const planned_faults broken(os::call::list_directory, {.error = EIO}, 1);
    EXPECT_TRUE(fs::list_directory(folder_.path(), error).empty());
    EXPECT_EQ(error, std::errc::io_error);
  });
}

TEST(StoppedFileOperations, LeaveTheOldFileOrNone) {
  const temporary_folder folder;
  weft::run({.workers = 1}, [&] {  // another one could have begun with it before the stop
    fs::write_file(folder / "a", "old");
    auto stopped = weft::spawn([&] { fs::replace_file(folder / "a", "new"); });
    stopped.request_stop();
    EXPECT_THROW(stopped.join(), weft::cancelled);
  });
  weft::run([&] {
    for (int switches = 1; switches < 12; ++switches) {  // stops that come ever later
      auto replaces = weft::spawn([&] { fs::replace_file(folder / "a", "new"); });
      auto copies = weft::spawn([&] { fs::copy_file(folder / "a", folder / "b"); });
      for (int i = 0; i < switches * 20; ++i) {
        weft::this_fiber::yield();
      }
      replaces.request_stop();
      copies.request_stop();
      for (auto* f : {&replaces, &copies}) {
        try {
          f->join();
        } catch (const weft::cancelled&) {
        }
      }
      const std::string now = fs::read_file(folder / "a");
      EXPECT_TRUE(now == "old" || now == "new") << now;
      fs::remove(folder / "b");
      EXPECT_EQ(folder.entries(), 1) << "something was left behind";
    }
  });
}

}  // namespace
