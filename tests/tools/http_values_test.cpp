// Values of header fields and of the command line: ranges, dates, conditions, media types, durations, sizes.
#include <gtest/gtest.h>  // TEST
#include <sys/stat.h>     // stat

#include <chrono>  // literals
#include <string>  // string

#include "common/units.hpp"        // parse_duration, parse_bytes
#include "serve/conditional.hpp"   // evaluate
#include "serve/content_type.hpp"  // content_type
#include "serve/http_date.hpp"     // http_date
#include "serve/range.hpp"         // parse_range

namespace weft::tool {
namespace {

using namespace std::chrono_literals;
using kind = byte_range::kind;

void expect_part(std::string_view header, std::uint64_t size, std::uint64_t offset, std::uint64_t length) {
  const auto range = parse_range(header, size);
  EXPECT_EQ(range.what, kind::part) << header;
  EXPECT_EQ(range.offset, offset) << header;
  EXPECT_EQ(range.length, length) << header;
}

TEST(Range, SingleRangesAreClampedToTheFile) {
  expect_part("bytes=0-0", 10, 0, 1);
  expect_part("bytes=2-5", 10, 2, 4);
  expect_part("bytes=2-", 10, 2, 8);
  expect_part("bytes=2-999", 10, 2, 8);
  expect_part("bytes=-3", 10, 7, 3);
  expect_part("bytes=-999", 10, 0, 10);
  expect_part("Bytes= 1-2 ", 10, 1, 2);
}

TEST(Range, LargeFilesAndLargeNumbersDoNotOverflow) {
  constexpr std::uint64_t five_gib = 5ULL << 30;
  expect_part("bytes=4294967296-", five_gib, 4294967296, five_gib - 4294967296);
  expect_part("bytes=0-18446744073709551615", five_gib, 0, five_gib);
  expect_part("bytes=0-99999999999999999999999", five_gib, 0, five_gib);
  expect_part("bytes=-99999999999999999999999", five_gib, 0, five_gib);
  EXPECT_EQ(parse_range("bytes=18446744073709551616-", five_gib).what, kind::unsatisfiable);
}

TEST(Range, RangesBeyondTheEndAreUnsatisfiable) {
  EXPECT_EQ(parse_range("bytes=10-", 10).what, kind::unsatisfiable);
  EXPECT_EQ(parse_range("bytes=10-20", 10).what, kind::unsatisfiable);
  EXPECT_EQ(parse_range("bytes=-0", 10).what, kind::unsatisfiable);
  EXPECT_EQ(parse_range("bytes=0-", 0).what, kind::unsatisfiable);
  EXPECT_EQ(parse_range("bytes=-1", 0).what, kind::whole);
}

TEST(Range, WhatIsNotASingleByteRangeIsIgnored) {
  for (const char* header :
       {"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-2", "bytes=1-2,4-5", "bytes=0-,-1", "lines=1-2",
        "bytes 1-2", "bytes=1", "bytes=--1", "bytes=-1-", "bytes=+1-2", "bytes=1 -2", "xbytes=1-2", "bytes=0x1-2"}) {
    EXPECT_EQ(parse_range(header, 10).what, kind::whole) << header;
  }
}

TEST(HttpDate, TheThreeFormsAreRead) {
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), 784111777);
}

TEST(HttpDate, WrittenDatesAreReadBack) {
  for (const std::time_t at :
       {std::time_t{0}, std::time_t{951782400}, std::time_t{1709164799}, std::time_t{4102444800}}) {
    EXPECT_EQ(parse_http_date(http_date(at)), at);
  }
  EXPECT_EQ(http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(log_date(784111777), "06/Nov/1994:08:49:37 +0000");
}

TEST(HttpDate, NonsenseIsRefused) {
  for (const char* text :
       {"", "now", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun Nov  6 08:49:37", ", ",
        "Sun, 06 Nox 1994 08:49:37 GMT"}) {
    EXPECT_FALSE(parse_http_date(text)) << text;
  }
}

struct ConditionalTest : testing::Test {
  validators current{"\"abc\"", 784111777};
  const char* before = "Sun, 06 Nov 1994 08:49:36 GMT";
  const char* same = "Sun, 06 Nov 1994 08:49:37 GMT";
  const char* after = "Sun, 06 Nov 1994 08:49:38 GMT";
  verdict none_match(std::string_view list) const {
    return evaluate({.if_match = {}, .if_none_match = list, .if_modified_since = {}, .if_unmodified_since = {}},
                    current);
  }
  verdict match(std::string_view list) const {
    return evaluate({.if_match = list, .if_none_match = {}, .if_modified_since = {}, .if_unmodified_since = {}},
                    current);
  }
};

TEST_F(ConditionalTest, IfNoneMatchComparesWeakly) {
  EXPECT_EQ(none_match("\"abc\""), verdict::not_modified);
  EXPECT_EQ(none_match("W/\"abc\""), verdict::not_modified);
  EXPECT_EQ(none_match("\"x,y\", \"abc\""), verdict::not_modified);
  EXPECT_EQ(none_match(" * "), verdict::not_modified);
  EXPECT_EQ(none_match("\"abd\""), verdict::proceed);
  EXPECT_EQ(none_match("abc"), verdict::proceed);
  EXPECT_EQ(none_match("\"abc"), verdict::proceed);
  EXPECT_EQ(none_match(",,,"), verdict::proceed);
}

TEST_F(ConditionalTest, IfMatchComparesStrongly) {
  EXPECT_EQ(match("\"abc\""), verdict::proceed);
  EXPECT_EQ(match("*"), verdict::proceed);
  EXPECT_EQ(match("W/\"abc\""), verdict::precondition_failed);
  EXPECT_EQ(match("\"x\""), verdict::precondition_failed);
}

TEST_F(ConditionalTest, DatesCountOnlyWithoutTags) {
  conditions asked{};
  asked.if_modified_since = same;
  EXPECT_EQ(evaluate(asked, current), verdict::not_modified);
  asked.if_modified_since = before;
  EXPECT_EQ(evaluate(asked, current), verdict::proceed);
  asked.if_modified_since = "rubbish";
  EXPECT_EQ(evaluate(asked, current), verdict::proceed);
  asked.if_modified_since = after;
  asked.if_none_match = "\"other\"";
  EXPECT_EQ(evaluate(asked, current), verdict::proceed);
  conditions unmodified{};
  unmodified.if_unmodified_since = before;
  EXPECT_EQ(evaluate(unmodified, current), verdict::precondition_failed);
  unmodified.if_unmodified_since = same;
  EXPECT_EQ(evaluate(unmodified, current), verdict::proceed);
}

TEST_F(ConditionalTest, IfRangeNeedsTheExactState) {
  EXPECT_TRUE(range_allowed("", current));
  EXPECT_TRUE(range_allowed("\"abc\"", current));
  EXPECT_FALSE(range_allowed("W/\"abc\"", current));
  EXPECT_FALSE(range_allowed("\"old\"", current));
  EXPECT_TRUE(range_allowed(same, current));
  EXPECT_FALSE(range_allowed(after, current));
  EXPECT_FALSE(range_allowed("soon", current));
}

TEST(Validators, EveryChangeOfStateChangesTheTag) {
  struct stat st {};
  st.st_size = 10;
  st.st_mtim = {784111777, 5};
  st.st_ino = 7;
  const auto base = make_validators(st).etag;
  EXPECT_EQ(make_validators(st).etag, base);
  st.st_mtim.tv_nsec = 6;
  EXPECT_NE(make_validators(st).etag, base);
  st.st_mtim.tv_nsec = 5;
  st.st_ino = 8;
  EXPECT_NE(make_validators(st).etag, base);
  st.st_ino = 7;
  st.st_size = 11;
  EXPECT_NE(make_validators(st).etag, base);
  EXPECT_EQ(base.front(), '"');
  EXPECT_EQ(base.back(), '"');
}

TEST(ContentType, IsTakenFromTheLastExtension) {
  EXPECT_EQ(content_type("index.html"), "text/html; charset=utf-8");
  EXPECT_EQ(content_type("a/b.c/IMAGE.PnG"), "image/png");
  EXPECT_EQ(content_type("x.tar.gz"), "application/gzip");
  EXPECT_EQ(content_type("site.webmanifest"), "application/manifest+json");
  for (const char* name : {"", "noext", ".html", "a.", "a.unknown", "a.html/b", "a.averyveryverylongextension"}) {
    EXPECT_EQ(content_type(name), "application/octet-stream") << name;
  }
}

TEST(Units, DurationsAndSizesAreRead) {
  EXPECT_EQ(parse_duration("30s"), 30s);
  EXPECT_EQ(parse_duration("30"), 30s);
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("2m"), 2min);
  EXPECT_EQ(parse_duration("1h"), 1h);
  EXPECT_EQ(parse_bytes("16k"), 16384U);
  EXPECT_EQ(parse_bytes("2M"), 2U << 20);
  EXPECT_EQ(parse_bytes("7"), 7U);
  for (const char* text :
       {"", "s", "-1s", "1.5s", "10 s", "5d", "99999999999999999999s", "9999999999h", "1kb", "1x", " 1"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
    EXPECT_FALSE(parse_bytes(text)) << text;
  }
}

}  // namespace
}  // namespace weft::tool
