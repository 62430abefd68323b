// Request targets: what is served, what is refused, and that nothing is decoded twice.
#include "serve/path_guard.hpp"

#include <gtest/gtest.h>  // TEST

#include <string>  // string

namespace weft::tool {
namespace {

std::string relative(std::string_view target) {
  const auto path = parse_target(target);
  return path ? path->relative : "(refused)";
}

TEST(PathGuard, PlainTargetsBecomeRelativePaths) {
  EXPECT_EQ(relative("/"), "");
  EXPECT_EQ(relative("/a.txt"), "a.txt");
  EXPECT_EQ(relative("/a/b/c.txt?x=/../../etc"), "a/b/c.txt");
  EXPECT_EQ(relative("/%61%20b"), "a b");
  EXPECT_EQ(relative("/\xC3\xA4"), "\xC3\xA4");
}

TEST(PathGuard, EmptyAndDotSegmentsVanish) {
  EXPECT_EQ(relative("//a//./b/"), "a/b");
  EXPECT_EQ(relative("/%2e/a"), "a");
  EXPECT_EQ(relative("////"), "");
}

TEST(PathGuard, TrailingSlashIsRemembered) {
  EXPECT_TRUE(parse_target("/a/")->trailing_slash);
  EXPECT_TRUE(parse_target("/a/.")->trailing_slash);
  EXPECT_TRUE(parse_target("/")->trailing_slash);
  EXPECT_FALSE(parse_target("/a")->trailing_slash);
}

TEST(PathGuard, QueryIsKeptAsSent) {
  EXPECT_EQ(parse_target("/a?b=%2F&c")->query, "?b=%2F&c");
  EXPECT_EQ(parse_target("/a")->query, "");
}

TEST(PathGuard, ParentSegmentsAreRefusedHoweverSpelled) {
  for (const char* target : {"/..", "/../x", "/a/../b", "/a/..", "/%2e%2e/x", "/.%2E/x", "/%2e./x", "http://h/../x"}) {
    EXPECT_FALSE(parse_target(target)) << target;
  }
  EXPECT_EQ(relative("/..."), "...");
  EXPECT_EQ(relative("/..a"), "..a");
}

TEST(PathGuard, EncodedSeparatorsAndControlsAreRefused) {
  for (const char* target :
       {"/a%2fb", "/..%2f..%2fetc", "/%5c..%5c", "/a\\b", "/a%00.txt", "/%0a", "/%7f", "/%1b[2J"}) {
    EXPECT_FALSE(parse_target(target)) << target;
  }
  EXPECT_FALSE(parse_target(std::string_view("/a\0b", 4)));
}

TEST(PathGuard, EscapesAreDecodedOnce) {
  EXPECT_EQ(relative("/%252e%252e/x"), "%2e%2e/x");
  EXPECT_EQ(relative("/%2500"), "%00");
}

TEST(PathGuard, BrokenEscapesAreRefused) {
  for (const char* target : {"/%", "/%2", "/%zz", "/a%g0", "/%-1", "/% 20"}) {
    EXPECT_FALSE(parse_target(target)) << target;
  }
}

TEST(PathGuard, AbsoluteFormUsesItsPath) {
  EXPECT_EQ(relative("http://example.org/a/b"), "a/b");
  EXPECT_EQ(relative("HTTP://example.org:80"), "");
  EXPECT_EQ(relative("https://h/x"), "x");
}

TEST(PathGuard, OtherFormsAreRefused) {
  for (const char* target : {"", "*", "a", "example.org:443", "http:///x", "http://h?x", "ftp://h/x", "/a#b"}) {
    EXPECT_FALSE(parse_target(target)) << target;
  }
}

TEST(PathGuard, EncodedPathsComeBackAsThemselves) {
  std::string all;
  for (int c = 1; c < 256; ++c) {
    if (c != '/' && c != '\\' && c >= 0x20 && c != 0x7f) {
      all += static_cast<char>(c);
    }
  }
  const std::string url = encode_path("d/" + all);
  EXPECT_EQ(relative(url), "d/" + all);
  EXPECT_EQ(url.find_first_of(" \"<>?#%\\^`{|}", 1), url.find('%'));
  EXPECT_EQ(url.find('?'), std::string::npos);
}

TEST(PathGuard, HtmlIsEscaped) {
  EXPECT_EQ(escape_html("<a href=\"x\" id='y'>&"), "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;");
}

}  // namespace
}  // namespace weft::tool
