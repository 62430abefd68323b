// The access log: lines that cannot be forged, and that all arrive whole.
#include "serve/access_log.hpp"

#include <gtest/gtest.h>  // TEST

#include <algorithm>  // count
#include <fstream>    // ifstream
#include <iterator>   // istreambuf_iterator
#include <map>        // map
#include <sstream>    // istringstream
#include <string>     // string
#include <thread>     // thread
#include <vector>     // vector

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

}  // namespace
}  // namespace weft::tool
