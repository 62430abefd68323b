// Files that go from the page cache to the stream without passing through the server, seen through a stream in memory
// that can do what a socket does.
#include <gtest/gtest.h>  // TEST_F
#include <unistd.h>       // pread

#include <algorithm>     // min
#include <cstdint>       // uint64_t
#include <filesystem>    // resize_file
#include <functional>    // function
#include <string>        // string
#include <system_error>  // error_code
#include <vector>        // vector

#include "serve/connection.hpp"
#include "tools/memory_stream.hpp"     // memory_stream, virtual_clock
#include "tools/temporary_folder.hpp"  // temporary_folder

namespace weft::tool {
namespace {

struct sending_stream : test::memory_stream {
  struct call {
    std::uint64_t offset, count;
  };
  bool able = true;
  std::vector<call> calls;
  std::function<std::uint64_t(const call&, std::error_code&)> limit =  // how much of a call is sent
      [](const call& c, std::error_code&) { return c.count; };

  bool can_send_files() const { return able; }
  std::uint64_t send_file(int fd, std::uint64_t offset, std::uint64_t count, std::error_code& error) {
    error.clear();
    calls.push_back({offset, count});
    std::string piece(limit(calls.back(), error), '\0');
    std::uint64_t done = 0;
    while (done < piece.size()) {
      const auto n = ::pread(fd, piece.data() + done, piece.size() - done, static_cast<off_t>(offset + done));
      if (n <= 0) {
        break;
      }
      done += static_cast<std::uint64_t>(n);
    }
    sent_directly += done;
    const std::string_view text{piece.data(), done};
    boost::system::error_code ec;
    for (std::size_t at = 0; at < text.size();) {
      at += write_some(boost::asio::buffer(text.data() + at, text.size() - at), ec);
    }
    return done;
  }
  std::uint64_t sent_directly = 0;
};

using writer = reply_writer<sending_stream>;

class DirectSend : public testing::Test {
 protected:
  void SetUp() override {
    content.resize(2'000'003);
    for (std::size_t i = 0; i < content.size(); ++i) {
      content[i] = static_cast<char>('a' + (i * 31 + i / 251) % 26);
    }
    folder.write("large", content);
    test::virtual_clock::current = {};
  }
  // The body of the one reply, or of as many as there are.
  std::string get(const std::string& target, const std::string& fields = "") {
    stream.send("GET " + target + " HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n");
    const root_directory root{folder.path().string()};
    const site where{root, slow, nullptr, limits{}};
    live_connections::entry presence;
    connection<sending_stream, test::virtual_clock>{stream, where, presence, "test"}.serve();
    return stream.output().substr(stream.output().find("\r\n\r\n") + 4);
  }

  test::temporary_folder folder;
  direct_lane slow;
  sending_stream stream;
  std::string content;
};

TEST_F(DirectSend, ALargeFileArrivesByteForByteAndMostOfItDirectly) {
  EXPECT_TRUE(get("/large") == content);
  EXPECT_GE(stream.sent_directly, content.size() - writer::chunk_bytes - writer::direct_from);
  for (const auto& call : stream.calls) {
    EXPECT_LE(call.count, writer::direct_piece);
  }
}

TEST_F(DirectSend, RangesBeginAndEndWhereTheyWereAskedFor) {
  EXPECT_TRUE(get("/large", "Range: bytes=70001-1300007\r\n") == content.substr(70'001, 1'230'007));
  EXPECT_GT(stream.sent_directly, 1'000'000U);
}

TEST_F(DirectSend, WhatIsLeftOfASmallFileIsNotWorthIt) {
  const std::string small = content.substr(0, writer::chunk_bytes + writer::direct_from - 1);
  folder.write("small", small);
  EXPECT_TRUE(get("/small") == small);
  EXPECT_TRUE(stream.calls.empty());
}

TEST_F(DirectSend, AStreamThatCannotIsWrittenTo) {
  stream.able = false;
  EXPECT_TRUE(get("/large") == content);
  EXPECT_TRUE(stream.calls.empty());
}

TEST_F(DirectSend, ASlowClientIsServedAsLongAsItTakesSomething) {
  int turn = 0;
  stream.limit = [&](const sending_stream::call& c, std::error_code& error) {
    if (++turn % 2 == 1) {
      error = std::make_error_code(std::errc::timed_out);
      return std::min<std::uint64_t>(c.count, 10'000);
    }
    return c.count;
  };
  EXPECT_TRUE(get("/large") == content);
}

TEST_F(DirectSend, AClientThatTakesNothingInTimeIsLeft) {
  stream.limit = [&](const sending_stream::call&, std::error_code& error) -> std::uint64_t {
    error = std::make_error_code(std::errc::timed_out);
    return 0;
  };
  stream.send("GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string body = get("/large");
  EXPECT_EQ(body.size(), writer::chunk_bytes);  // and nothing of the second reply
  EXPECT_EQ(stream.calls.size(), 1U);
}

TEST_F(DirectSend, AnErrorEndsTheConnection) {
  stream.limit = [&](const sending_stream::call&, std::error_code& error) -> std::uint64_t {
    error = std::make_error_code(std::errc::io_error);
    return 1000;
  };
  EXPECT_EQ(get("/large").size(), writer::chunk_bytes + 1000);
}

// Cut to nothing, to the middle of what is sent next, and to a length in pieces to come.
TEST_F(DirectSend, AFileThatShrinksUnderWayCutsTheConnection) {
  for (const std::uint64_t left : {std::uint64_t{0}, std::uint64_t{100'000}, std::uint64_t{1'234'567}}) {
    folder.write("large", content);
    stream = {};
    stream.limit = [&](const sending_stream::call& c, std::error_code&) {
      std::filesystem::resize_file(folder / "large", left);
      return c.count;
    };
    stream.send("GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
    const std::string body = get("/large");
    EXPECT_LT(body.size(), content.size());
    EXPECT_EQ(body, content.substr(0, body.size())) << left;
    EXPECT_NE(stream.output().find("Content-Length: 2000003\r\n"), std::string::npos);
  }
}

}  // namespace
}  // namespace weft::tool
