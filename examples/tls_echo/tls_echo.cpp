// Sends back what it receives, over TLS: tls_echo CERTIFICATES.pem KEY.pem [PORT]. SIGHUP reads the files again: connections
// that exist go on, new ones see the new certificate. Prints the port it listens on; ends with its standard input.
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <string>

#include <csignal>  // SIGHUP, sigset_t
#include <sys/signalfd.h>
#include <unistd.h>

#include <weft/tls/stream.hpp>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

namespace {

weft::tls::identity read_identity(const char* certificates, const char* key) {
  return {.certificate_chain = weft::tls::read_pem_file(certificates), .private_key = weft::tls::read_pem_file(key)};
}

void serve(weft::net::tcp_stream connection, const weft::tls::context& context) {
  try {
    connection.set_no_delay(true);
    weft::tls::stream stream(std::move(connection), context);
    weft::with_timeout(10s, [&] { stream.handshake(); });
    std::array<std::byte, 4096> piece;
    while (const std::size_t n = stream.read_some(piece)) {
      stream.write_all(std::span(piece).first(n));
    }
    stream.shutdown();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "tls_echo: %s\n", e.what());  // one client's trouble is not the server's
  }
}

void reload_on_hangup(int hangups, weft::tls::context context, const char* certificates, const char* key) {
  signalfd_siginfo info;
  for (;;) {
    weft::net::wait_readable(hangups);
    if (::read(hangups, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) continue;
    try {
      context.reload(weft::blocking([&] { return read_identity(certificates, key); }));
      std::printf("reloaded\n");
    } catch (const std::exception& e) {
      std::printf("not reloaded: %s\n", e.what());
    }
    std::fflush(stdout);
  }
}

void run_server(int hangups, const char* certificates, const char* key, std::uint16_t port) {
  weft::tls::server_settings settings;
  settings.own = read_identity(certificates, key);
  const auto context = weft::tls::context::server(settings);
  auto listener = weft::net::tcp_listener::bind(weft::net::endpoint::parse("127.0.0.1:0").with_port(port));
  std::printf("%u\n", static_cast<unsigned>(listener.local_endpoint().port()));
  std::fflush(stdout);

  auto reloader = weft::spawn(reload_on_hangup, hangups, context, certificates, key);
  auto acceptor = weft::spawn([&] {
    for (;;) weft::spawn({.name = "connection"}, serve, listener.accept(), context).detach();
  });
  char ignored[64];
  do {
    weft::net::wait_readable(STDIN_FILENO);
  } while (::read(STDIN_FILENO, ignored, sizeof ignored) > 0);
  acceptor.request_stop();
  reloader.request_stop();
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) {
    std::fprintf(stderr, "usage: tls_echo CERTIFICATES.pem KEY.pem [PORT]\n");
    return 2;
  }
  sigset_t hangup;
  sigemptyset(&hangup);
  sigaddset(&hangup, SIGHUP);
  sigprocmask(SIG_BLOCK, &hangup, nullptr);  // before the workers start, which inherit it
  const int hangups = ::signalfd(-1, &hangup, SFD_CLOEXEC | SFD_NONBLOCK);
  try {
    weft::run([&] {
      const auto port = count > 3 ? std::strtoul(words[3], nullptr, 10) : 0;
      run_server(hangups, words[1], words[2], static_cast<std::uint16_t>(port));
    });
  } catch (const std::exception& e) {
    std::fprintf(stderr, "tls_echo: %s\n", e.what());
    return 1;
  }
}
