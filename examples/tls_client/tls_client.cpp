// Asks an HTTPS server for a page: tls_client HOST [PORT [PATH [TRUST.pem]]]. Writes what it answers to standard output, and
// what was agreed on to standard error.
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <string>

#include <weft/tls/stream.hpp>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

namespace {

void ask(const std::string& host, std::uint16_t port, const std::string& path, const char* trust) {
  weft::tls::client_settings settings;  // verifies, and trusts whom the system trusts
  settings.alpn = {"http/1.1"};
  if (trust != nullptr) settings.trust = weft::tls::read_pem_file(trust);
  const auto context = weft::tls::context::client(settings);  // one for all connections of a program

  weft::tls::stream stream(weft::net::tcp_stream::connect(host, port), context, {.host = host});
  weft::with_timeout(10s, [&] { stream.handshake(); });
  std::fprintf(stderr, "%s, %s, %s\n", stream.version().c_str(), stream.cipher().c_str(),
               stream.peer_subject().c_str());

  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
  stream.write_all(std::as_bytes(std::span(request)));
  std::array<std::byte, 4096> piece;
  while (const std::size_t n = stream.read_some(piece)) {  // an end that nobody announced is an error, not an end
    std::fwrite(piece.data(), 1, n, stdout);
  }
  stream.shutdown();
}

}  // namespace

int main(int count, char** words) {
  if (count < 2) {
    std::fprintf(stderr, "usage: tls_client HOST [PORT [PATH [TRUST.pem]]]\n");
    return 2;
  }
  try {
    weft::run([&] {
      const auto port = count > 2 ? std::strtoul(words[2], nullptr, 10) : 443;
      ask(words[1], static_cast<std::uint16_t>(port), count > 3 ? words[3] : "/", count > 4 ? words[4] : nullptr);
    });
  } catch (const std::exception& e) {
    std::fprintf(stderr, "tls_client: %s\n", e.what());
    return 1;
  }
}
