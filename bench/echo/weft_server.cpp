// Echo on weft, as one writes it: a fiber for each connection. WEFT_IO=epoll|uring chooses how descriptors are waited for.
#include <array>         // array
#include <cstddef>       // byte
#include <span>          // span
#include <system_error>  // error_code
#include <utility>       // move

#include <weft/weft.hpp>

#include "echo/server.hpp"

namespace {

void give_back(weft::net::tcp_stream client) {
  std::array<std::byte, echo::read_bytes> buffer;
  std::error_code error;
  for (;;) {
    const std::size_t n = client.read_some(buffer, error);
    if (error || n == 0) {
      return;
    }
    client.write_all(std::span<const std::byte>(buffer.data(), n), error);
    if (error) {
      return;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const echo::arguments given(argc, argv);
  echo::raise_descriptor_limit();
  weft::run(weft::runtime_options{.workers = given.number("workers", 1)}, [&] {
    auto listener = weft::net::tcp_listener::bind(weft::net::endpoint::parse("127.0.0.1:0"));
    echo::tell_port(given, listener.local_endpoint().port());
    echo::end_with_input();
    const weft::fiber_options spread{.spread = true};
    for (;;) {
      weft::spawn(spread, [client = listener.accept()]() mutable { give_back(std::move(client)); }).detach();
    }
  });
}
