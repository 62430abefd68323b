// The access log: lines that cannot be forged, and that all arrive whole.
#include "serve/access_log.hpp"

#include <fcntl.h>        // O_CLOEXEC
#include <gtest/gtest.h>  // TEST
#include <unistd.h>       // pipe2, read

#include <algorithm>  // count
#include <array>      // array
#include <fstream>    // ifstream
#include <iterator>   // istreambuf_iterator
#include <map>        // map
#include <sstream>    // istringstream
#include <string>     // string
#include <thread>     // thread
#include <vector>     // vector

#include "common/descriptor.hpp"       // descriptor
#include "tools/temporary_folder.hpp"  // temporary_folder

namespace weft::tool {
namespace {

std::string content_of(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

TEST(AccessLog, ALineHasTheCombinedForm) {
  EXPECT_EQ(
      render_log_line({"127.0.0.1", 784111777, "GET", "/a?b", 11, 206, 42, "http://r/", "curl",
                       std::chrono::microseconds{1500042}}),
      "127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] \"GET /a?b HTTP/1.1\" 206 42 \"http://r/\" \"curl\" 1.500042\n");
  EXPECT_EQ(render_log_line({"::1", 0, "", "", 11, 400, 0, "", "", {}}),
            "::1 - - [01/Jan/1970:00:00:00 +0000] \"-\" 400 0 \"-\" \"-\" 0.000000\n");
}

TEST(AccessLog, ClientsCannotForgeLinesOrEscapes) {
  const std::string line = render_log_line({"p", 0, "GET", "/\r\nx\" 200", 11, 200, 0, "\x1b[2J", "a\\\"b\xff", {}});
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_NE(line.find("/\\x0d\\x0ax\\x22 200 HTTP"), std::string::npos);
  EXPECT_NE(line.find("\"\\x1b[2J\" \"a\\x5c\\x22b\\xff\""), std::string::npos);
}

TEST(AccessLog, LinesOfManyThreadsAllArriveWholeAndInOrder) {
  const test::temporary_folder folder;
  const auto path = folder / "log";
  constexpr int threads = 4;
  constexpr int lines = 2000;
  {
    access_log log{path.string()};
    std::vector<std::thread> writers;
    for (int t = 0; t < threads; ++t) {
      writers.emplace_back([&log, t] {
        const std::string peer = "peer" + std::to_string(t);
        for (int i = 0; i < lines; ++i) {
          const std::string target = "/" + std::to_string(i);
          log.append({peer, 0, "GET", target, 11, 200, 0, "", "", {}});
        }
      });
    }
    for (auto& w : writers) {
      w.join();
    }
  }
  std::istringstream in{content_of(path)};
  std::map<std::string, int> next;
  std::string line;
  while (std::getline(in, line)) {
    const std::string peer = line.substr(0, 5);
    const std::string expected = peer + " - - [01/Jan/1970:00:00:00 +0000] \"GET /" + std::to_string(next[peer]++) +
                                 " HTTP/1.1\" 200 0 \"-\" \"-\" 0.000000";
    ASSERT_EQ(line, expected);
  }
  ASSERT_EQ(next.size(), static_cast<std::size_t>(threads));
  for (const auto& [peer, n] : next) {
    EXPECT_EQ(n, lines) << peer;
  }
}

TEST(AccessLog, AnExistingFileIsContinued) {
  const test::temporary_folder folder;
  folder.write("log", "before\n");
  {
    access_log log{(folder / "log").string()};
    log.append({"p", 0, "GET", "/", 11, 200, 0, "", "", {}});
  }
  const auto text = content_of(folder / "log");
  EXPECT_TRUE(text.starts_with("before\np - -")) << text;
  EXPECT_THROW(access_log{(folder / "absent/log").string()}, std::system_error);
}

// A reader that does not read must not keep the server from ending; what was accepted still arrives if it reads later.
TEST(AccessLog, AReaderThatDoesNotReadIsNotWaitedForForEver) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const descriptor reader{ends[0]};
  descriptor writer{ends[1]};
  constexpr int lines = 5000;  // several times what a pipe holds
  const auto path = "/proc/self/fd/" + std::to_string(writer.get());
  const std::string agent(200, 'a');
  {
    access_log log{path, std::chrono::milliseconds{20}};
    for (int i = 0; i < lines; ++i) {
      log.append({"p", 0, "GET", "/", 11, 200, 0, "", agent, {}});
    }
  }
  writer.reset();
  std::string text;
  std::array<char, 4096> piece{};
  for (ssize_t n = 0; (n = ::read(reader.get(), piece.data(), piece.size())) > 0;) {  // until the writer has ended, too
    text.append(piece.data(), static_cast<std::size_t>(n));
  }
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), lines);
}

TEST(AccessLog, AReopenedLogGoesOnInTheNewFileAndNoLineIsLost) {
  const test::temporary_folder folder;
  const auto path = folder / "log";
  constexpr int files = 20;
  constexpr int lines = 300;
  {
    access_log log{path.string()};
    for (int f = 0; f < files; ++f) {
      for (int i = 0; i < lines; ++i) {
        log.append({"p", 0, "GET", "/" + std::to_string(f) + "/" + std::to_string(i), 11, 200, 0, "", "", {}});
      }
      std::filesystem::rename(path, folder / ("log." + std::to_string(f)));
      log.reopen();
      EXPECT_TRUE(std::filesystem::exists(path));
    }
  }
  int n = 0;
  for (int f = 0; f < files; ++f) {
    std::istringstream in{content_of(folder / ("log." + std::to_string(f)))};
    for (std::string line; std::getline(in, line); ++n) {
      EXPECT_NE(line.find("\"GET /" + std::to_string(n / lines) + "/" + std::to_string(n % lines) + " "),
                std::string::npos)
          << line;
      EXPECT_GE(n / lines,
                f);  // none in a file that came later; one that was left before the writer came to it has none
    }
  }
  EXPECT_EQ(n, files * lines);
  EXPECT_EQ(content_of(path), "");
}

TEST(AccessLog, AReopenedLogGoesOnAfterAFailure) {
  const test::temporary_folder folder;
  const auto path = folder / "log";
  std::filesystem::create_symlink("/dev/full", path);
  testing::internal::CaptureStderr();
  {
    access_log log{path.string()};
    log.append({"p", 0, "GET", "/lost", 11, 200, 0, "", "", {}});
    std::filesystem::remove(path);
    log.reopen();
    log.append({"p", 0, "GET", "/kept", 11, 200, 0, "", "", {}});
  }
  EXPECT_NE(testing::internal::GetCapturedStderr().find("the access log ends here"), std::string::npos);
  EXPECT_EQ(content_of(path).find("/lost"), std::string::npos);
  EXPECT_NE(content_of(path).find("/kept"), std::string::npos);
}

TEST(AccessLog, ALogThatCannotBeReopenedGoesOnWhereItWas) {
  const test::temporary_folder folder;
  std::filesystem::create_directory(folder / "logs");
  const auto path = folder / "logs" / "log";
  {
    access_log log{path.string()};
    std::filesystem::rename(folder / "logs", folder / "moved");
    EXPECT_THROW(log.reopen(), std::system_error);
    log.append({"p", 0, "GET", "/kept", 11, 200, 0, "", "", {}});
  }
  EXPECT_NE(content_of(folder / "moved" / "log").find("/kept"), std::string::npos);
}

}  // namespace
}  // namespace weft::tool
