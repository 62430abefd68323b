// The load generator without a network: URLs, hashes, histograms, and what a client makes of responses good and bad.
#include "load/client.hpp"

#include <gtest/gtest.h>  // TEST

#include <chrono>  // literals
#include <random>  // mt19937_64
#include <string>  // string
#include <thread>  // thread
#include <vector>  // vector

#include "load/report.hpp"          // render_json, render_text
#include "load/url.hpp"             // parse_url
#include "tools/memory_stream.hpp"  // memory_stream, virtual_clock

namespace weft::tool {
namespace {

using namespace std::chrono_literals;

TEST(Url, PartsAreTakenApart) {
  const auto plain = parse_url("http://example.org");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->host, "example.org");
  EXPECT_EQ(plain->port, "80");
  EXPECT_EQ(plain->target, "/");
  const auto full = parse_url("http://127.0.0.1:8080/a?b=c#d");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->host, "127.0.0.1");
  EXPECT_EQ(full->port, "8080");
  EXPECT_EQ(full->authority, "127.0.0.1:8080");
  EXPECT_EQ(full->target, "/a?b=c");
  const auto six = parse_url("http://[::1]:81?q");
  ASSERT_TRUE(six);
  EXPECT_EQ(six->host, "::1");
  EXPECT_EQ(six->port, "81");
  EXPECT_EQ(six->target, "/?q");
  EXPECT_EQ(parse_url("http://[::1]/")->host, "::1");
}

TEST(Url, OtherTextIsRefused) {
  for (const char* text :
       {"", "http://", "https://h/", "h/", "http://h:0/", "http://h:x/", "http://h:65536/", "http://h:/", "http://u@h/",
        "http:///p", "http://h/a b", "http://h/\r\nX: y", "http://[::1", "ftp://h/"}) {
    EXPECT_FALSE(parse_url(text)) << text;
  }
}

TEST(BodyHash, DoesNotDependOnHowTheBodyWasCut) {
  std::mt19937_64 random{7};
  std::string body(1000, '\0');
  for (char& c : body) {
    c = static_cast<char>(random());
  }
  body_hash whole;
  whole.add(body);
  for (int round = 0; round < 200; ++round) {
    body_hash pieces;
    for (std::size_t at = 0; at < body.size();) {
      const std::size_t n = random() % 20;
      pieces.add(std::string_view{body}.substr(at, n));
      at += n;
    }
    ASSERT_EQ(pieces.value(), whole.value());
    ASSERT_EQ(pieces.length(), whole.length());
  }
}

TEST(BodyHash, EveryChangedByteAndEveryLengthShows) {
  const std::string zeros(64, '\0');
  body_hash base;
  base.add(zeros);
  for (std::size_t i = 0; i < zeros.size(); ++i) {
    std::string changed = zeros;
    changed[i] = 1;
    body_hash other;
    other.add(changed);
    EXPECT_NE(other.value(), base.value()) << i;
    body_hash shorter;
    shorter.add(zeros.substr(0, i));
    EXPECT_NE(shorter.value(), base.value()) << i;
  }
}

TEST(Latency, BucketsAreContiguousAndNarrow) {
  for (std::size_t i = 0; i + 1 < latency_buckets::count; ++i) {
    const auto top = latency_buckets::highest(i);
    ASSERT_EQ(latency_buckets::index(top), i);
    ASSERT_EQ(latency_buckets::index(top + 1), i + 1);
    if (top >= latency_buckets::linear) {
      const auto bottom = latency_buckets::highest(i - 1) + 1;
      ASSERT_LE(static_cast<double>(top - bottom), 0.016 * static_cast<double>(bottom));
    }
  }
}

TEST(Latency, QuantilesComeFromAllThreadsTogether) {
  results counted;
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&counted, t] {
      for (std::uint64_t i = t; i < 100'000; i += 4) {
        counted.response(i * 1000, 10);
      }
    });
  }
  for (auto& t : threads) {
    t.join();
  }
  const auto sum = counted.sum();
  EXPECT_EQ(sum.responses, 100'000U);
  EXPECT_EQ(sum.bytes, 1'000'000U);
  EXPECT_EQ(sum.latency.recorded, 100'000U);
  EXPECT_EQ(sum.latency.highest, 99'999'000U);
  EXPECT_NEAR(static_cast<double>(sum.latency.quantile(0.5)), 50e6, 0.016 * 50e6);
  EXPECT_NEAR(static_cast<double>(sum.latency.quantile(0.99)), 99e6, 0.016 * 99e6);
  EXPECT_EQ(sum.latency.quantile(1), 99'999'000U);
  EXPECT_NEAR(sum.latency.mean(), 49'999'500, 1);
  EXPECT_EQ(latency_summary{}.quantile(0.5), 0U);
}

class LoadClient : public testing::Test {
 protected:
  using client = load_client<test::memory_stream, test::virtual_clock>;
  void SetUp() override {
    test::virtual_clock::current = {};
    body_hash hash;
    hash.add("hello");
    expected = {hash.length(), hash.value()};
  }
  static std::string ok(const std::string& body = "hello") {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  client::outcome exchange(unsigned n = 1) {
    client one{stream, expected, counted};
    return one.exchange("GET / HTTP/1.1\r\n\r\n", n);
  }
  std::uint64_t errors(load_error kind) const { return counted.sum().errors[static_cast<std::size_t>(kind)]; }

  test::memory_stream stream;
  expectation expected;
  results counted;
};

TEST_F(LoadClient, AGoodResponseIsCountedWithItsLatency) {
  stream.send(ok(), 5ms);
  const auto done = exchange();
  EXPECT_EQ(done.error, load_error::none);
  EXPECT_TRUE(done.keep);
  EXPECT_EQ(stream.output(), "GET / HTTP/1.1\r\n\r\n");
  const auto sum = counted.sum();
  EXPECT_EQ(sum.responses, 1U);
  EXPECT_EQ(sum.bytes, 5U);
  EXPECT_EQ(sum.latency.highest, 5'000'000U);
  EXPECT_EQ(sum.failed(), 0U);
}

TEST_F(LoadClient, PipelinedResponsesAreReadInAnyPieces) {
  std::string all;
  for (int i = 0; i < 10; ++i) {
    all += i % 2 == 0 ? ok() : "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
  }
  for (const std::size_t piece : {std::size_t{1}, std::size_t{13}, all.size()}) {
    stream = {};
    for (std::size_t at = 0; at < all.size(); at += piece) {
      stream.send(all.substr(at, piece));
    }
    EXPECT_EQ(exchange(10).error, load_error::none);
  }
  EXPECT_EQ(counted.sum().responses, 30U);
  EXPECT_EQ(counted.sum().failed(), 0U);
}

TEST_F(LoadClient, WrongAnswersAreCountedByKindAndTheConnectionGoesOn) {
  stream.send("HTTP/1.1 503 No\r\nContent-Length: 5\r\n\r\nhello" + ok("hell") + ok("hellO") + ok());
  const auto done = exchange(4);
  EXPECT_EQ(done.error, load_error::none);
  EXPECT_TRUE(done.keep);
  EXPECT_EQ(errors(load_error::status), 1U);
  EXPECT_EQ(errors(load_error::length), 1U);
  EXPECT_EQ(errors(load_error::content), 1U);
  EXPECT_EQ(counted.sum().responses, 1U);
}

TEST_F(LoadClient, LostConnectionsAreToldApart) {
  EXPECT_EQ(exchange().error, load_error::closed);
  stream = {};
  stream.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
  EXPECT_EQ(exchange().error, load_error::closed);
  stream = {};
  stream.send("HTTP/1.1 200 OK\r\n");
  stream.fall_silent();
  EXPECT_EQ(exchange().error, load_error::timed_out);
  stream = {};
  stream.send("SSH-2.0-OpenSSH\r\n");
  EXPECT_EQ(exchange().error, load_error::bad_response);
  stream = {};
  stream.break_after(3);
  EXPECT_EQ(exchange().error, load_error::reset);
  EXPECT_EQ(counted.sum().responses, 0U);
}

TEST_F(LoadClient, AServerThatClosesIsNoErrorUnlessResponsesAreMissing) {
  const std::string last = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";
  stream.send(last);
  const auto done = exchange();
  EXPECT_EQ(done.error, load_error::none);
  EXPECT_FALSE(done.keep);
  stream = {};
  stream.send(last);
  EXPECT_EQ(exchange(2).error, load_error::closed);
  stream = {};
  stream.send("HTTP/1.1 200 OK\r\n\r\nhello");  // its length is where it ends
  const auto to_end = exchange();
  EXPECT_EQ(to_end.error, load_error::none);
  EXPECT_FALSE(to_end.keep);
  EXPECT_EQ(counted.sum().responses, 3U);
}

TEST(Report, TextAndJsonSayTheSame) {
  results counted;
  for (int i = 0; i < 100; ++i) {
    counted.response(2'000'000, 10);
  }
  counted.failure(load_error::timed_out);
  counted.failure(load_error::timed_out);
  counted.failure(load_error::reset);
  load_report report{"http://h/\"x", 5, 4, 1, 2.0, 10, 4U << 20, counted.sum()};
  const auto text = render_text(report);
  EXPECT_NE(text.find("4 of 5"), std::string::npos) << text;
  EXPECT_NE(text.find("100 in 2.00 s: 50.0 per second"), std::string::npos) << text;
  EXPECT_NE(text.find("p50 2.00 ms"), std::string::npos) << text;
  EXPECT_NE(text.find("timeout 2, reset 1"), std::string::npos) << text;
  const auto json = render_json(report);
  EXPECT_NE(json.find("{\"url\": \"http://h/\\\"x\", \"connections\": 5, \"connected\": 4"), std::string::npos) << json;
  EXPECT_NE(json.find("\"requests\": 100, \"requests_per_second\": 50.000"), std::string::npos) << json;
  EXPECT_NE(json.find("\"timeout\": 2"), std::string::npos) << json;
  EXPECT_NE(json.find("\"peak_rss_bytes\": 4194304}\n"), std::string::npos) << json;
}

}  // namespace
}  // namespace weft::tool
