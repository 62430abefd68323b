// Loads that open, use and close descriptors.
#include <algorithm>  // equal
#include <array>      // headers
#include <cstring>    // memcpy
#include <unistd.h>   // usleep
#include <vector>     // buffers

#include <weft/weft.hpp>

#include "load.hpp"

namespace soak {
namespace {

using namespace std::chrono_literals;
using bytes = std::vector<std::byte>;

bytes pattern(std::uint32_t seed, std::size_t size) {
  bytes made(size);
  chance draw(seed + 1);
  for (std::byte& b : made) b = static_cast<std::byte>(draw() >> 8);
  return made;
}

struct request {
  std::uint32_t seed, size;
};

// Requests until the client goes. A client that cuts the connection may do so anywhere.
void serve(weft::net::tcp_stream stream) {
  std::array<std::byte, sizeof(request)> head{};
  for (std::error_code error;;) {
    if (stream.read_exactly(head, error); error) return;
    request wanted{};
    std::memcpy(&wanted, head.data(), sizeof wanted);
    bytes body(wanted.size);
    if (stream.read_exactly(body, error); error) return;
    demand(body == pattern(wanted.seed, wanted.size), "connections: the server got other bytes");
    for (std::byte& b : body) b ^= std::byte{0x5a};
    if (stream.write_all(body, error); error) return;
  }
}

void ask(weft::net::tcp_stream& stream, chance& draw) {
  const request asked{static_cast<std::uint32_t>(draw()), static_cast<std::uint32_t>(1 + below(draw, 32768))};
  std::array<std::byte, sizeof(request)> head{};
  std::memcpy(head.data(), &asked, sizeof asked);
  stream.write_all(head);
  const bytes body = pattern(asked.seed, asked.size);
  stream.write_all(body);
  bytes reply(asked.size);
  stream.read_exactly(reply);
  demand(std::equal(reply.begin(), reply.end(), body.begin(),
                    [](std::byte a, std::byte b) { return a == (b ^ std::byte{0x5a}); }),
         "connections: the client got other bytes");
}

// One connection after the other, each of a few requests; one in ten ends in the middle of one.
void be_client(const weft::net::endpoint& server, const phase& p, chance draw) {
  while (p.goes_on()) {
    auto stream = weft::net::tcp_stream::connect(server);
    stream.set_linger(0s);  // closed by a reset: a port that rested for a minute would be one of too many
    for (std::uint64_t n = 1 + below(draw, 8); n > 0; --n) ask(stream, draw);
    if (below(draw, 10) == 0) {
      try {
        weft::with_timeout(std::chrono::microseconds(below(draw, 500)), [&] {
          for (;;) ask(stream, draw);
        });
      } catch (const weft::timed_out&) {
      }
    }
    p.count();
  }
}

}  // namespace

void connections(const phase& p) {
  chance draw = p.draw(8);
  auto listener = weft::net::tcp_listener::bind(weft::net::endpoint::parse("127.0.0.1:0"));
  const auto server = listener.local_endpoint();
  weft::scope serving;
  auto acceptor = weft::spawn({.name = "acceptor"}, [&] {
    for (;;) {
      std::error_code error;
      auto stream = listener.accept(error);
      if (error == std::errc::operation_canceled) return;
      demand(!error, "connections: accept: " + error.message());
      serving.spawn({.name = "server", .spread = true}, [s = std::move(stream)]() mutable { serve(std::move(s)); });
    }
  });
  std::vector<weft::fiber<>> clients;
  for (int i = 0; i < 16; ++i) {
    const chance its_draw = fork(draw);
    clients.push_back(
        weft::spawn({.name = "client", .spread = true}, [&, its_draw] { be_client(server, p, its_draw); }));
  }
  for (auto& c : clients) c.join();
  listener.close();
  acceptor.join();
  serving.join();
}

void pipes(const phase& p) {
  chance draw = p.draw(9);
  while (p.goes_on()) {
    weft::pipe pipe;
    const bytes sent = pattern(static_cast<std::uint32_t>(draw()), 1 + below(draw, 200'000));
    auto writer = weft::spawn({.name = "pipe writer", .spread = true}, [&] {
      pipe.writer.write_all(sent);
      pipe.writer.close();
    });
    const std::string got = pipe.reader.read_to_end();
    writer.join();
    demand(got.size() == sent.size() && std::memcmp(got.data(), sent.data(), got.size()) == 0,
           "pipes: other bytes came out");
    p.count();
  }
}

void files(const phase& p) {
  chance draw = p.draw(10);
  while (p.goes_on()) {
    const auto name = p.folder / std::to_string(below(draw, 1000));
    const bytes written = pattern(static_cast<std::uint32_t>(draw()), 1 + below(draw, 100'000));
    {
      auto file =
          weft::fs::file::open(name, {.access = weft::fs::access::read_write, .create = true, .truncate = true});
      file.write_all_at(std::span(written), 0);
      demand(file.stat().size == written.size(), "files: another size");
      bytes got(written.size());
      file.read_exactly_at(std::span(got), 0);
      demand(got == written, "files: other bytes were read");
    }
    weft::fs::remove(name);
    p.count();
  }
}

void blocking_calls(const phase& p) {
  chance draw = p.draw(11);
  while (p.goes_on()) {
    std::vector<weft::fiber<>> callers;
    for (std::uint64_t i = 0; i < 8; ++i) {
      const auto pause = static_cast<useconds_t>(below(draw, 2000));
      callers.push_back(weft::spawn(
          [=] { demand(weft::blocking([=] { return ::usleep(pause), i; }) == i, "blocking_calls: another result"); }));
    }
    for (auto& c : callers) c.join();
    p.count();
  }
}

}  // namespace soak
