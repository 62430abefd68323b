#include "work.hpp"

#include <array>      // bytes
#include <chrono>     // milliseconds
#include <cstdio>     // puts
#include <cstdlib>    // abort
#include <cstring>    // memcmp
#include <mutex>      // unique_lock
#include <stdexcept>  // runtime_error
#include <vector>     // fibers

#include <weft/base/with_sanitizers.hpp>  // WEFT_WITH_MSAN
#include <weft/weft.hpp>

namespace {

using namespace std::chrono_literals;

// MemorySanitizer has not seen who wrote a std::exception_ptr unless the C++ library, too, is built with it.
#if defined(WEFT_WITH_MSAN)
constexpr bool exceptions_can_be_kept = false;
#else
constexpr bool exceptions_can_be_kept = true;
#endif

void demand(bool so, const char* what) {
  if (so) return;
  std::fprintf(stderr, "work: %s\n", what);
  std::abort();
}

void exchange_messages() {
  weft::channel<int> numbers(3), sums;
  weft::mutex mutex;
  int under_lock = 0;
  std::vector<weft::fiber<>> senders;
  for (int s = 0; s < 4; ++s) {
    senders.push_back(weft::spawn({.spread = true}, [&] {
      for (int i = 0; i < 100; ++i) {
        numbers.send(i);
        const std::unique_lock lock(mutex);
        ++under_lock;
      }
    }));
  }
  auto adder = weft::spawn({.spread = true}, [&] {
    int sum = 0;
    for (const int n : numbers) sum += n;
    sums.send(sum);
  });
  for (auto& s : senders) s.join();
  numbers.close();
  demand(sums.receive() == 4 * 4950, "a message was lost");
  adder.join();
  demand(under_lock == 400, "a change was lost");
}

void throw_and_stop() {
  auto thrower = weft::spawn([] {
    try {
      throw std::runtime_error("first");
    } catch (const std::runtime_error&) {
      weft::this_fiber::sleep_for(1ms);
      throw;
    }
  });
  bool came = false;
  try {
    thrower.join();
  } catch (const std::runtime_error& e) {
    came = std::strcmp(e.what(), "first") == 0;
  }
  demand(came, "an exception did not come through the join");
  auto sleeper = weft::spawn([] { weft::this_fiber::sleep_for(24h); });
  sleeper.request_stop();
  bool stopped = false;
  try {
    sleeper.join();
  } catch (const weft::cancelled&) {
    stopped = true;
  }
  demand(stopped, "a sleeper was not stopped");
}

void echo() {
  auto listener = weft::net::tcp_listener::bind(weft::net::endpoint::parse("127.0.0.1:0"));
  auto server = weft::spawn({.spread = true}, [&] {
    auto stream = listener.accept();
    std::array<std::byte, 64> buffer;  // left as it is: what was read is known to be written
    for (std::size_t n = 0; (n = stream.read_some(buffer)) > 0;) stream.write_all(std::span(buffer.data(), n));
  });
  auto client = weft::net::tcp_stream::connect(listener.local_endpoint());
  std::array<std::byte, 16> sent{}, got;
  for (int i = 0; i < 20; ++i) {
    sent[3] = static_cast<std::byte>(i);
    client.write_all(sent);
    client.read_exactly(got);
    demand(std::memcmp(sent.data(), got.data(), sent.size()) == 0, "other bytes came back");
  }
  client.shutdown_write();
  server.join();
}

weft::generator<int> squares(int n) {
  return weft::generator<int>([n](auto& yield) {
    for (int i = 0; i < n; ++i) yield(i * i);
  });
}

}  // namespace

void work() {
  exchange_messages();
  if (exceptions_can_be_kept) throw_and_stop();
  echo();
  int sum = 0;
  for (const int s : squares(10)) sum += s;
  demand(sum == 285, "a generator gave another sum");
  demand(weft::blocking([] { return 7; }) == 7, "a blocking call gave another result");
  std::puts("work: done");
}
