// A program outside the tree that uses the component interop: one end of a connection through Boost.Asio's own functions.
#include <array>    // buffers
#include <cstddef>  // byte
#include <cstdio>   // printf
#include <span>     // as_bytes
#include <string>   // text

#include <boost/asio/read.hpp>
#include <weft/interop/asio_stream.hpp>
#include <weft/weft.hpp>

int main() {
  std::array<char, 11> read{};
  weft::run([&] {
    auto listener = weft::net::tcp_listener::bind(weft::net::endpoint::parse("127.0.0.1:0"));
    auto sender = weft::spawn([at = listener.local_endpoint()] {
      const std::string text = "hello, asio";
      weft::net::tcp_stream::connect(at).write_all(std::as_bytes(std::span(text)));
    });
    weft::interop::basic_sync_stream stream(listener.accept());
    boost::asio::read(stream, boost::asio::buffer(read));
    sender.join();
  });
  const bool good = std::string(read.data(), read.size()) == "hello, asio";
  std::printf("weft %d.%d: %s\n", WEFT_VERSION_MAJOR, WEFT_VERSION_MINOR, good ? "good" : "bad");
  return good ? 0 : 1;
}
