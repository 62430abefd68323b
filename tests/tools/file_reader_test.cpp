// Pieces of files, from the page cache or through the lane.
#include "serve/file_reader.hpp"

#include <fcntl.h>        // open
#include <gtest/gtest.h>  // TEST
#include <sys/uio.h>      // preadv2

#include <array>   // array
#include <cerrno>  // errno

#include "common/descriptor.hpp"       // descriptor
#include "tools/temporary_folder.hpp"  // temporary_folder

namespace weft::tool {
namespace {

class counting_lane final : public lane {
 public:
  int calls = 0;

 private:
  void do_run(call f, void* argument) override {
    ++calls;
    f(argument);
  }
};

class FileReader : public testing::Test {
 protected:
  void SetUp() override {
    folder.write("file", "hello, world");
    file = descriptor{::open((folder / "file").c_str(), O_RDONLY | O_CLOEXEC)};
    ASSERT_TRUE(file.valid());
  }
  // What only a file system shows that can say whether a read would wait.
  bool reads_without_waiting() {
    char byte = 0;
    const iovec part{&byte, 1};
    return ::preadv2(file.get(), &part, 1, 0, RWF_NOWAIT) >= 0 || errno == EAGAIN;
  }

  test::temporary_folder folder;
  descriptor file;
  counting_lane slow;
  std::array<std::byte, 64> out{};
};

TEST_F(FileReader, FillsTheFrontOfTheBufferFromTheOffset) {
  file_reader reader{file.get(), slow};
  ASSERT_EQ(reader.read(out, 7), 5);
  EXPECT_EQ(static_cast<char>(out[0]), 'w');
  EXPECT_EQ(static_cast<char>(out[4]), 'd');
  EXPECT_EQ(reader.read(std::span{out}.first(2), 0), 2);
}

TEST_F(FileReader, TheEndOfTheFileIsZero) {
  file_reader reader{file.get(), slow};
  EXPECT_EQ(reader.read(out, 12), 0);
  EXPECT_EQ(reader.read(out, 1000), 0);
}

// Linux 5.9 and 5.10 may answer 0 where a read that may not wait has nothing to give: only a read that may wait tells the end.
TEST_F(FileReader, TheEndIsBelievedOnlyFromAReadThatMayWait) {
  if (!reads_without_waiting()) {
    GTEST_SKIP() << "this file system cannot say whether a read would wait";
  }
  file_reader reader{file.get(), slow};
  EXPECT_EQ(reader.read(out, 12), 0);
  EXPECT_EQ(slow.calls, 1);
}

TEST_F(FileReader, ErrorsAreMinusErrno) {
  file_reader reader{-1, slow};
  EXPECT_EQ(reader.read(out, 0), -EBADF);
}

TEST_F(FileReader, WhatHasJustBeenReadIsInTheCacheAndWhatIsBeyondTheEndIsNot) {
  if (!reads_without_waiting()) {
    GTEST_SKIP() << "this file system cannot say whether a read would wait";
  }
  file_reader reader{file.get(), slow};
  ASSERT_EQ(reader.read(out, 0), 12);
  EXPECT_TRUE(reader.is_cached(0, 12));
  EXPECT_TRUE(reader.is_cached(11, 1));
  EXPECT_FALSE(reader.is_cached(0, 13));
  EXPECT_FALSE(reader.is_cached(12, 1));
}

TEST_F(FileReader, NothingIsInTheCacheOfWhatCannotBeRead) {
  file_reader reader{-1, slow};
  EXPECT_FALSE(reader.is_cached(0, 1));
  EXPECT_EQ(slow.calls, 0);
}

}  // namespace
}  // namespace weft::tool
