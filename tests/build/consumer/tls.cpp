// A program outside the tree that uses the component tls: two ends that do not trust one another say so.
#include <cstdio>  // printf

#include <weft/tls/stream.hpp>
#include <weft/weft.hpp>

int main() {
  std::error_code refused, none;
  weft::run([&] {
    auto listener = weft::net::tcp_listener::bind(weft::net::endpoint::parse("127.0.0.1:0"));
    auto plain = weft::spawn([&] {
      const char text[] = "no TLS here";
      listener.accept().write_all(std::as_bytes(std::span(text)));
    });
    weft::tls::stream stream(weft::net::tcp_stream::connect(listener.local_endpoint()), weft::tls::context::client(),
                             {.host = "localhost"});
    stream.handshake(refused);
    plain.join();
  });
  weft::tls::stream().handshake(none);
  const bool good = refused.category() == weft::tls::openssl_category() &&
                    refused.message() == "wrong version number" && none == std::errc::bad_file_descriptor;
  std::printf("weft %d.%d: %s\n", WEFT_VERSION_MAJOR, WEFT_VERSION_MINOR, good ? "good" : refused.message().c_str());
  return good ? 0 : 1;
}
