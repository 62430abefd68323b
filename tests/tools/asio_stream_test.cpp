// weft streams under Asio's concepts: buffers, ends and errors arrive as Asio and Beast expect them.
#include <weft/interop/asio_stream.hpp>

#include <gtest/gtest.h>  // TEST

#include <array>    // array
#include <cerrno>   // error numbers
#include <chrono>   // literals
#include <cstring>  // memcpy
#include <string>   // string

#include <boost/beast/core/flat_buffer.hpp>    // flat_buffer
#include <boost/beast/core/stream_traits.hpp>  // is_sync_stream
#include <boost/beast/http/empty_body.hpp>     // empty_body
#include <boost/beast/http/read.hpp>           // read
#include <boost/beast/http/string_body.hpp>    // string_body
#include <boost/beast/http/write.hpp>          // write
#include <weft/net/error.hpp>                  // error, resolve_category
#include <weft/net/tcp_listener.hpp>           // tcp_listener
#include <weft/sched/runtime.hpp>              // run, spawn

namespace weft {
namespace {

using namespace std::chrono_literals;
namespace http = boost::beast::http;

static_assert(boost::beast::is_sync_stream<interop::sync_stream>::value);

// Says what it was told to say.
struct scripted {
  std::string input;
  std::error_code error;
  std::string written;
  std::chrono::milliseconds timeout{0};

  std::size_t read_some(std::span<std::byte> into, std::error_code& ec) {
    ec = error;
    const std::size_t n = error ? 0 : std::min(into.size(), input.size());
    std::memcpy(into.data(), input.data(), n);
    input.erase(0, n);
    return n;
  }
  std::size_t write_some(std::span<const std::byte> from, std::error_code& ec) {
    ec = error;
    const std::size_t n = error ? 0 : from.size();
    written.append(reinterpret_cast<const char*>(from.data()), n);
    return n;
  }
  void set_timeout(std::chrono::milliseconds limit) { timeout = limit; }
  void shutdown_write(std::error_code& ec) { ec = error; }
};
using stream = interop::basic_sync_stream<scripted>;

TEST(AsioStream, FillsTheFirstBufferWithRoom) {
  stream s{scripted{.input = "abc", .error = {}, .written = {}}};
  std::array<char, 2> room{};
  const std::array<boost::asio::mutable_buffer, 2> buffers{boost::asio::mutable_buffer{}, boost::asio::buffer(room)};
  EXPECT_EQ(s.read_some(buffers), 2U);
  EXPECT_EQ(std::string(room.data(), 2), "ab");
  EXPECT_EQ(s.write_some(std::array{boost::asio::const_buffer{}, boost::asio::const_buffer{"xy", 2}}), 2U);
  EXPECT_EQ(s.next_layer().written, "xy");
}

TEST(AsioStream, NoRoomIsNoEnd) {
  stream s{scripted{}};
  boost::system::error_code ec;
  EXPECT_EQ(s.read_some(boost::asio::mutable_buffer{}, ec), 0U);
  EXPECT_FALSE(ec);
  EXPECT_EQ(s.write_some(boost::asio::const_buffer{}, ec), 0U);
  EXPECT_FALSE(ec);
}

TEST(AsioStream, TheEndOfTheStreamIsEof) {
  stream s{scripted{}};
  std::array<char, 2> room{};
  boost::system::error_code ec;
  EXPECT_EQ(s.read_some(boost::asio::buffer(room), ec), 0U);
  EXPECT_EQ(ec, boost::asio::error::eof);
  EXPECT_THROW(s.read_some(boost::asio::buffer(room)), boost::system::system_error);
}

TEST(AsioStream, ErrorsKeepTheirMeaning) {
  const auto of = [](std::error_code ec) { return interop::to_boost(ec); };
  EXPECT_FALSE(of({}));
  EXPECT_EQ(of(std::make_error_code(std::errc::timed_out)), boost::asio::error::timed_out);
  EXPECT_EQ(of({ECONNRESET, std::system_category()}), boost::asio::error::connection_reset);
  EXPECT_EQ(of(std::make_error_code(std::errc::broken_pipe)), boost::asio::error::broken_pipe);
  EXPECT_EQ(of(net::error::end_of_stream), boost::system::errc::io_error);
  stream s{scripted{.input = {}, .error = std::make_error_code(std::errc::timed_out), .written = {}}};
  std::array<char, 2> room{};
  boost::system::error_code ec;
  s.read_some(boost::asio::buffer(room), ec);
  EXPECT_EQ(ec, boost::asio::error::timed_out);
  s.write_some(boost::asio::buffer(room), ec);
  EXPECT_EQ(ec, boost::asio::error::timed_out);
  s.shutdown_write(ec);
  EXPECT_EQ(ec, boost::asio::error::timed_out);
  s.set_timeout(5ms);
  EXPECT_EQ(s.next_layer().timeout, 5ms);
}

// Beast on both ends of a socket, as blocking code in two fibers.
TEST(AsioStream, BeastTalksOverSocketsFromFibers) {
  weft::run([] {
    auto listener = net::tcp_listener::bind(net::endpoint::parse("127.0.0.1:0"));
    auto server = weft::spawn([&] {
      interop::sync_stream s{listener.accept()};
      boost::beast::flat_buffer buffer;
      for (int i = 0; i < 3; ++i) {
        http::request<http::string_body> asked;
        http::read(s, buffer, asked);
        http::response<http::string_body> answer{http::status::ok, 11};
        answer.body() = "you said " + asked.body();
        answer.prepare_payload();
        http::write(s, answer);
      }
      boost::system::error_code ec;
      http::request<http::empty_body> none;
      http::read(s, buffer, none, ec);
      return ec;
    });
    interop::sync_stream s{net::tcp_stream::connect(listener.local_endpoint())};
    boost::beast::flat_buffer buffer;
    for (const std::size_t size : {std::size_t{0}, std::size_t{5}, std::size_t{500'000}}) {
      http::request<http::string_body> asked{http::verb::put, "/", 11};
      asked.body() = std::string(size, 'x');
      asked.prepare_payload();
      http::write(s, asked);
      http::response<http::string_body> answer;
      http::read(s, buffer, answer);
      EXPECT_EQ(answer.body(), "you said " + std::string(size, 'x'));
    }
    s.next_layer().close();
    EXPECT_EQ(server.join(), http::error::end_of_stream);
  });
}

TEST(AsioStream, ASilentPeerTimesOut) {
  weft::run([] {
    auto listener = net::tcp_listener::bind(net::endpoint::parse("127.0.0.1:0"));
    interop::sync_stream s{net::tcp_stream::connect(listener.local_endpoint())};
    s.set_timeout(10ms);
    std::array<char, 2> room{};
    boost::system::error_code ec;
    EXPECT_EQ(s.read_some(boost::asio::buffer(room), ec), 0U);
    EXPECT_EQ(ec, boost::asio::error::timed_out);
  });
}

}  // namespace
}  // namespace weft
