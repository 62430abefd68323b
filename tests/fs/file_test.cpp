// Open files, from fibers of one and of several workers and from plain threads.
#include <weft/fs/file.hpp>

#include <atomic>  // atomic
#include <string>  // string
#include <vector>  // vector

#include <fcntl.h>     // FD_CLOEXEC
#include <sys/stat.h>  // mkfifo, umask

#include <gtest/gtest.h>
#include <weft/sched/fiber.hpp>
#include <weft/sched/this_fiber.hpp>

#include "fs/callers.hpp"
#include "fs/temporary_folder.hpp"
#include "io/blocking_pool.hpp"
#include "io/faults.hpp"

namespace {

using weft::fs::access;
using weft::fs::file;
using weft_test::bytes;
using weft_test::planned_faults;
using weft_test::temporary_folder;
namespace os = weft::detail::os;

constexpr weft::fs::open_options fresh{.access = access::read_write, .create = true, .truncate = true};

std::string text_of(file& f, std::size_t size, std::uint64_t offset = 0) {
  std::string text(size, '?');
  text.resize(f.read_at(std::as_writable_bytes(std::span(text)), offset));
  return text;
}

class File : public weft_test::from_thread_or_fiber {};
INSTANTIATE_TEST_SUITE_P(Callers, File, ::testing::Values(0, 1, 2));

TEST_P(File, KeepsWhatWasWrittenAndHasOnePosition) {
  go([&] {
    const weft_test::no_descriptor_leaks none;
    file f = file::open(folder_ / "a", fresh);
    EXPECT_EQ(f.write_some(bytes("hello ")), 6U);
    EXPECT_EQ(f.write_all(bytes("world")), 5U);
    EXPECT_EQ(f.stat().size, 11U);
    EXPECT_EQ(text_of(f, 100), "hello world");
    EXPECT_EQ(text_of(f, 5, 6), "world");
    EXPECT_EQ(text_of(f, 5, 11), "") << "end of file";
    f.write_at(bytes("W"), 6);
    f.write_some(bytes("!"));  // the position is where the sequential writes left it
    EXPECT_EQ(text_of(f, 100), "hello World!");
    file again = file::open(folder_ / "a");
    std::byte one[5];
    EXPECT_EQ(again.read_exactly(one), 5U);
    EXPECT_EQ(again.read_some(one), 5U);
    f.close();
    again.close();
  });
}

TEST_P(File, OpensAsItIsTold) {
  go([&] {
    std::error_code error;
    EXPECT_FALSE(file::open(folder_ / "a", error).is_open());
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
    const mode_t mask = ::umask(022);
    file made =
        file::open(folder_ / "a",
                   {.access = access::write, .create = true, .exclusive = true, .permissions = weft::fs::perms(0640)});
    ::umask(mask);
    EXPECT_EQ(made.stat().permissions, weft::fs::perms(0640));
    EXPECT_NE(::fcntl(made.native_handle(), F_GETFD) & FD_CLOEXEC, 0);
    made.write_all(bytes("abc"));
    std::byte one[1];
    made.read_at(one, 0, error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor) << "write only";
    file::open(folder_ / "a", {.access = access::write, .create = true, .exclusive = true}, error);
    EXPECT_EQ(error, std::errc::file_exists);
    file more = file::open(folder_ / "a", {.access = access::read_write, .append = true});
    more.write_at(bytes("d"), 0);
    EXPECT_EQ(text_of(more, 10), "abcd");
    file::open(folder_ / "a", {.access = access::write, .truncate = true}).close();
    EXPECT_EQ(more.stat().size, 0U);
    try {
      static_cast<void>(file::open(folder_ / "no" / "where"));
      ADD_FAILURE() << "opened";
    } catch (const std::system_error& e) {
      EXPECT_EQ(e.code(), std::errc::no_such_file_or_directory);
      EXPECT_NE(std::string(e.what()).find("no/where"), std::string::npos) << e.what();
    }
  });
}

TEST_P(File, MovesVectorsOfAnyNumberOfParts) {
  go([&] {
    std::string all;
    std::vector<std::string> words;
    for (int i = 0; i < 1500; ++i) {
      words.push_back(std::string(static_cast<std::size_t>(i % 7), static_cast<char>('a' + i % 26)));
      all += words.back();
    }
    std::vector<std::span<const std::byte>> parts;
    for (const auto& w : words) {
      parts.push_back(bytes(w));
    }
    file f = file::open(folder_ / "a", fresh);
    EXPECT_EQ(f.write_all(parts), all.size());
    EXPECT_EQ(f.write_all_at(parts, all.size()), all.size());
    std::vector<std::string> got;
    std::vector<std::span<std::byte>> into;
    for (const auto& w : words) {
      got.push_back(std::string(w.size(), '?'));
    }
    for (auto& g : got) {
      into.push_back(std::as_writable_bytes(std::span(g)));
    }
    EXPECT_EQ(f.read_exactly_at(into, all.size()), all.size());
    EXPECT_EQ(got, words);
    const std::size_t once = f.read_at(into, 0);
    EXPECT_GT(once, 0U);
    EXPECT_LT(once, all.size()) << "one call takes the first parts of very many";
  });
}

TEST_P(File, ContinuesAfterShortCallsAndInterruptions) {
  go([&] {
    file f = file::open(folder_ / "a", fresh);
    {
      const planned_faults one_byte_each(os::call::write, {.limit = 1}, 0, 1000);
      EXPECT_EQ(f.write_all(bytes("abcdef")), 6U);
      EXPECT_EQ(planned_faults::calls(), 6);
      EXPECT_EQ(f.write_some(bytes("gh")), 1U);
    }
    {
      const planned_faults interrupted(os::call::write, {.error = EINTR}, 0, 3);
      EXPECT_EQ(f.write_all_at(bytes("h"), 7), 1U);
      EXPECT_EQ(planned_faults::calls(), 4);
    }
    std::byte got[8];
    const planned_faults one_byte_each(os::call::read, {.limit = 1}, 0, 1000);
    EXPECT_EQ(f.read_exactly_at(got, 0), 8U);
    EXPECT_EQ(planned_faults::calls(), 8);
    EXPECT_EQ(got[7], std::byte{'h'});
  });
}

TEST_P(File, SaysHowMuchWasMovedWhenItFails) {
  go([&] {
    file f = file::open(folder_ / "a", fresh);
    f.write_all(bytes("abc"));
    std::byte got[8];
    std::error_code error;
    EXPECT_EQ(f.read_exactly_at(got, 0, error), 3U);
    EXPECT_EQ(error, weft::fs::error::end_of_file);
    EXPECT_THROW(f.read_exactly_at(got, 0), std::system_error);
    const planned_faults broken(os::call::read, {.error = EIO});
    EXPECT_EQ(f.read_at(got, 0, error), 0U);
    EXPECT_EQ(error, std::errc::io_error);
  });
}

TEST_P(File, TellsOfAFullDevice) {
  go([&] {
    file full = file::open("/dev/full", {.access = access::write});
    std::error_code error;
    EXPECT_EQ(full.write_all(bytes("abc"), error), 0U);
    EXPECT_EQ(error, std::errc::no_space_on_device);
    EXPECT_THROW(full.write_some(bytes("abc")), std::system_error);
  });
}

TEST_P(File, SyncsResizesAndChangesPermissions) {
  go([&] {
    file f = file::open(folder_ / "a", fresh);
    f.write_all(bytes("abcdef"));
    f.resize(3);
    EXPECT_EQ(text_of(f, 10), "abc");
    f.resize(5);
    EXPECT_EQ(text_of(f, 10), std::string("abc\0\0", 5));
    f.sync();
    f.sync_data();
    f.set_permissions(weft::fs::perms(0600));
    EXPECT_EQ(f.stat().permissions, weft::fs::perms(0600));
    EXPECT_EQ(f.stat().type, weft::fs::file_type::regular);
    std::error_code error;
    f.resize(~std::uint64_t{0}, error);
    EXPECT_EQ(error, std::errc::file_too_large);
    f.write_at(bytes("x"), std::uint64_t{1} << 63, error);
    EXPECT_EQ(error, std::errc::invalid_argument);
    const planned_faults broken(os::call::sync, {.error = EIO});
    f.sync(error);
    EXPECT_EQ(error, std::errc::io_error);
  });
}

TEST_P(File, ClosedFindsNothingAnyMore) {
  go([&] {
    const weft_test::no_descriptor_leaks none;
    file f = file::open(folder_ / "a", fresh);
    file moved = std::move(f);
    EXPECT_FALSE(f.is_open());
    EXPECT_TRUE(moved.is_open());
    moved.close();
    moved.close();
    EXPECT_EQ(moved.native_handle(), -1);
    std::error_code error;
    EXPECT_EQ(moved.write_some(bytes("a"), error), 0U);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
    EXPECT_EQ(moved.write_all(std::span<const std::byte>(), error), 0U);
    EXPECT_EQ(error, std::errc::bad_file_descriptor) << "also when nothing is to be written";
    moved.sync(error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
    file reported = file::open(folder_ / "a", fresh);
    const int number = reported.native_handle();
    {
      const planned_faults late(os::call::close, {.error = EIO});
      EXPECT_THROW(reported.close(), std::system_error);
    }
    ::close(number);  // a planned failure does not close it
  });
}

// A FIFO without a writer: an operation that lasts as long as the test wants.
struct held_read {
  explicit held_read(const temporary_folder& folder) : f(open_fifo(folder / "fifo")) {}
  void release() const { EXPECT_EQ(::write(number, "x", 1), 1); }
  static file open_fifo(const std::filesystem::path& where) {
    EXPECT_EQ(::mkfifo(where.c_str(), 0600), 0);
    return file::open(where, {.access = access::read_write});  // which opens at once, and nobody writes
  }
  file f;
  int number = f.native_handle();
};

std::atomic<int> reads_begun{0};
weft::detail::os::fault count_reads(os::call which, int) noexcept {
  reads_begun += which == os::call::read ? 1 : 0;
  return {};
}

TEST(StartedFileOperation, OutlastsACloseWhichTakesEffectAfterIt) {
  const temporary_folder folder;
  weft::run(weft_test::workers(2), [&] {
    held_read held(folder);
    const int keep = ::dup(held.number);
    reads_begun = 0;
    os::set_fault_hook(&count_reads);
    auto reader = weft::spawn([&] {
      std::byte got[1];
      return held.f.read_some(got);
    });
    while (reads_begun == 0) {
      weft::this_fiber::yield();
    }
    held.f.close();
    EXPECT_FALSE(held.f.is_open());
    EXPECT_GE(::fcntl(held.number, F_GETFD), 0) << "closed under a running operation";
    EXPECT_EQ(::write(keep, "x", 1), 1);
    EXPECT_EQ(reader.join(), 1U);
    EXPECT_LT(::fcntl(held.number, F_GETFD), 0) << "the last operation did not close it";
    os::set_fault_hook(nullptr);
    ::close(keep);
  });
}

TEST(StartedFileOperation, IsNotCutShortByAStopWhichComesAtTheNextPoint) {
  const temporary_folder folder;
  weft::run(weft_test::workers(2), [&] {
    held_read held(folder);
    reads_begun = 0;
    os::set_fault_hook(&count_reads);
    bool ended = false;
    auto reader = weft::spawn([&] {
      std::byte got[2];
      EXPECT_EQ(held.f.read_some(got), 1U);
      ended = true;
      held.f.read_some(got);
      ADD_FAILURE() << "the stop was lost";
    });
    while (reads_begun == 0) {
      weft::this_fiber::yield();
    }
    reader.request_stop();
    for (int i = 0; i < 50; ++i) {
      weft::this_fiber::yield();
    }
    EXPECT_FALSE(ended);
    held.release();
    EXPECT_THROW(reader.join(), weft::cancelled);
    EXPECT_TRUE(ended);
    os::set_fault_hook(nullptr);
  });
}

TEST(StartedFileOperation, DoesNotStartInAStoppedFiber) {
  const temporary_folder folder;
  weft::run(weft_test::workers(1), [&] {  // with more, another could start it before its stop
    file f = file::open(folder / "a", fresh);
    reads_begun = 0;
    os::set_fault_hook(&count_reads);
    auto stopped = weft::spawn([&] {
      std::byte got[1];
      std::error_code error;
      f.read_some(got, error);
      ADD_FAILURE() << "both overloads throw";
    });
    stopped.request_stop();
    EXPECT_THROW(stopped.join(), weft::cancelled);
    EXPECT_EQ(reads_begun, 0);
    os::set_fault_hook(nullptr);
    auto closes = weft::spawn([&] {
      weft::this_fiber::get_id();
      f.close();  // no cancellation point, though it waits
      return f.is_open();
    });
    closes.request_stop();
    EXPECT_FALSE(closes.join());
  });
}

TEST(StartedFileOperation, ManyAtATimeKeepTheirOffsetsApart) {
  const temporary_folder folder;
  weft::run(weft_test::workers(2), [&] {
    file f = file::open(folder / "a", fresh);
    std::vector<weft::fiber<>> writers;
    constexpr std::uint64_t count = 200;
    for (std::uint64_t i = 0; i < count; ++i) {
      writers.push_back(weft::spawn([&f, i] {
        const std::string line = std::to_string(100000 + i) + "\n";
        f.write_all_at(bytes(line), i * line.size());
      }));
    }
    for (auto& w : writers) {
      w.join();
    }
    for (std::uint64_t i = 0; i < count; ++i) {
      EXPECT_EQ(text_of(f, 7, i * 7), std::to_string(100000 + i) + "\n");
    }
  });
}

TEST(StartedFileOperation, FailsWhenNoThreadCanBeHadButStillCloses) {
  const temporary_folder folder;
  weft::run([&] {
    file f = file::open(folder / "a", fresh);
    const int number = f.native_handle();
    weft::detail::blocking_pool::instance().end_idle_threads();
    const planned_faults no_threads(os::call::thread, {.error = EAGAIN}, 0, 1000);
    std::error_code error;
    f.resize(1, error);  // which no ring does
    EXPECT_EQ(error, std::errc::resource_unavailable_try_again);
    f.close();
    EXPECT_LT(::fcntl(number, F_GETFD), 0);
  });
}

}  // namespace
