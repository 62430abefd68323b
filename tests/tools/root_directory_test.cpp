// No way out of the served folder, with openat2 and with the walk that stands in for it.
#include "serve/root_directory.hpp"

#include <gtest/gtest.h>  // TEST_P
#include <sys/stat.h>     // mkfifo
#include <unistd.h>       // symlink

#include <cerrno>        // error numbers
#include <system_error>  // system_error

#include "serve/lane.hpp"              // direct_lane
#include "tools/temporary_folder.hpp"  // temporary_folder

namespace weft::tool {
namespace {

using resolver = root_directory::resolver;

// Counts what would have gone to the blocking pool.
class counting_lane final : public lane {
 public:
  int calls = 0;

 private:
  void do_run(call f, void* argument) override {
    ++calls;
    f(argument);
  }
};

class RootDirectory : public testing::TestWithParam<resolver> {
 protected:
  void SetUp() override {
    outside.write("secret", "secret");
    served.write("file", "hello");
    served.write("sub/inner", "inner");
  }
  void link(const std::string& to, std::string_view name) const {
    ASSERT_EQ(::symlink(to.c_str(), (served / name).c_str()), 0);
  }
  int error_of(const std::string& name) {
    const auto file = root().open(name, slow);
    EXPECT_EQ(file.fd.valid(), file.error == 0) << name;
    return file.error;
  }
  root_directory root() const { return root_directory{served.path().string(), GetParam()}; }

  test::temporary_folder outside, served;
  direct_lane slow;
};

TEST_P(RootDirectory, FilesAndFoldersInsideOpen) {
  const auto file = root().open("file", slow);
  ASSERT_EQ(file.error, 0);
  EXPECT_TRUE(S_ISREG(file.st.st_mode));
  EXPECT_EQ(file.st.st_size, 5);
  EXPECT_TRUE(S_ISDIR(root().open("", slow).st.st_mode));
  EXPECT_TRUE(S_ISDIR(root().open("sub", slow).st.st_mode));
  EXPECT_EQ(error_of("sub/inner"), 0);
}

TEST_P(RootDirectory, AbsentNamesAndFilesAsFoldersFail) {
  EXPECT_EQ(error_of("absent"), ENOENT);
  EXPECT_EQ(error_of("file/x"), ENOTDIR);
  EXPECT_EQ(error_of(std::string(300, 'x')), ENAMETOOLONG);
}

TEST_P(RootDirectory, ParentPathsLeadNowhere) {
  for (const char* name : {"..", "../", "sub/../../secret", "sub/../.."}) {
    EXPECT_NE(error_of(name), 0) << name;
  }
}

TEST_P(RootDirectory, LinksThatLeadOutFail) {
  link((outside / "secret").string(), "absolute");
  link("../" + outside.path().filename().string() + "/secret", "relative");
  link(outside.path().string(), "folder");
  link("relative", "chain");
  link("/proc/self/cwd", "magic");
  link("..", "up");
  for (const char* name : {"absolute", "relative", "folder/secret", "folder", "chain", "magic", "up"}) {
    const int error = error_of(name);
    EXPECT_TRUE(error == EXDEV || error == ELOOP || error == ENOTDIR) << name << ": " << error;
  }
}

TEST_P(RootDirectory, LoopsOfLinksFail) {
  link("loop", "loop");
  EXPECT_EQ(error_of("loop"), ELOOP);
}

TEST_P(RootDirectory, OpeningAFifoDoesNotWait) {
  ASSERT_EQ(::mkfifo((served / "fifo").c_str(), 0600), 0);
  const auto file = root().open("fifo", slow);
  EXPECT_EQ(file.error, 0);
  EXPECT_TRUE(S_ISFIFO(file.st.st_mode));
}

TEST_P(RootDirectory, TheFolderStaysTheSameWhenItsNameMoves) {
  const auto opened = root();
  const auto moved = served.path().string() + "-moved";
  std::filesystem::rename(served.path(), moved);
  EXPECT_EQ(opened.open("file", slow).error, 0);
  std::filesystem::rename(moved, served.path());
}

INSTANTIATE_TEST_SUITE_P(Resolvers, RootDirectory, testing::Values(resolver::automatic, resolver::walk),
                         [](const auto& suite) { return suite.param == resolver::walk ? "walk" : "automatic"; });

TEST(RootDirectoryAlone, LinksInsideWorkWhereTheKernelResolvesThem) {
  const test::temporary_folder served;
  served.write("real/file", "x");
  ASSERT_EQ(::symlink("real/file", (served / "link").c_str()), 0);
  const root_directory root{served.path().string()};
  direct_lane slow;
  EXPECT_EQ(root.open("link", slow).error, root.how() == resolver::beneath ? 0 : ELOOP);
}

TEST(RootDirectoryAlone, CachedPathsNeedNoPool) {
  const test::temporary_folder served;
  served.write("file", "x");
  const root_directory root{served.path().string()};
  counting_lane slow;
  EXPECT_EQ(root.open("file", slow).error, 0);  // written a moment ago: its name is cached
  if (root.how() == resolver::beneath) {
    EXPECT_EQ(slow.calls, 0);
  }
}

TEST(RootDirectoryAlone, AFileOrNothingIsNoRoot) {
  const test::temporary_folder served;
  served.write("file", "x");
  try {
    root_directory{(served / "file").string()};
    FAIL();
  } catch (const std::system_error& e) {
    EXPECT_EQ(e.code().value(), ENOTDIR);
  }
  EXPECT_THROW(root_directory{(served / "absent").string()}, std::system_error);
}

}  // namespace
}  // namespace weft::tool
