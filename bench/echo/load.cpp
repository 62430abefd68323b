// The load of the echo benchmark, the same for every server: connections in a closed loop, one request of 64 bytes under
// way on each, every byte that comes back looked at. One thread, epoll.
//
//   echo_load --port P --server PID [--connections N] [--milliseconds N] [--requests N] [--warmup N]
//             [--sources N] [--connection kept|anew]
//
// Measures for the time given, and then on until so many requests have been answered, on a machine that others use, too.
// Prints one line of JSON: what was measured between the end of the warm-up and the end. `server_cpu_ns` is the time that
// the server's process ran meanwhile, as the scheduler counts it.
#include <arpa/inet.h>   // htonl, htons
#include <netinet/in.h>  // sockaddr_in
#include <sys/epoll.h>   // epoll_wait
#include <sys/socket.h>  // connect, recv, send
#include <sys/types.h>   // pid_t
#include <time.h>        // clock_gettime

#include <algorithm>  // min
#include <array>      // array
#include <cerrno>     // EAGAIN, EINTR
#include <cstddef>    // size_t
#include <cstdint>    // uint64_t
#include <cstdio>     // printf
#include <cstdlib>    // exit
#include <cstring>    // memcmp, memcpy
#include <memory>     // unique_ptr
#include <vector>     // vector

#include "echo/calls.hpp"
#include "echo/server.hpp"
#include "load/latency.hpp"

namespace {

using echo::needed;
using echo::told;

constexpr std::size_t request_bytes = 64;
constexpr std::uint64_t ns_per_s = 1'000'000'000;
constexpr std::uint64_t ns_per_ms = 1'000'000;

std::uint64_t read_clock(clockid_t clock) {
  timespec time{};
  needed(told(::clock_gettime(clock, &time)), "clock_gettime");
  return static_cast<std::uint64_t>(time.tv_sec) * ns_per_s + static_cast<std::uint64_t>(time.tv_nsec);
}
std::uint64_t now() { return read_clock(CLOCK_MONOTONIC); }

clockid_t cpu_clock_of(pid_t process) {
  clockid_t clock{};
  needed(-::clock_getcpuclockid(process, &clock), "clock_getcpuclockid");
  return clock;
}

[[noreturn]] void fail(const char* why, long error = 0) {
  std::fprintf(stderr, "echo_load: %s%s%s\n", why, error < 0 ? ": " : "",
               error < 0 ? std::strerror(static_cast<int>(-error)) : "");
  std::exit(1);
}

struct connection {
  int fd = -1;
  std::uint64_t number = 0;
  std::uint64_t sequence = 0;
  std::uint64_t sent_at = 0;
  std::size_t got = 0;  // bytes of the answer
  std::array<char, request_bytes> answer;
};

// What connection and sequence make of a request: no two are alike.
std::array<char, request_bytes> request_of(const connection& c) {
  std::array<std::uint64_t, request_bytes / sizeof(std::uint64_t)> words;
  std::uint64_t word = c.number << 40 ^ c.sequence;
  for (std::uint64_t& w : words) {
    w = word;
    word = word * 6364136223846793005U + 1442695040888963407U;
  }
  std::array<char, request_bytes> bytes;
  std::memcpy(bytes.data(), words.data(), request_bytes);
  return bytes;
}

class load {
 public:
  load(std::uint16_t port, unsigned sources)
      : port_(port), sources_(sources), epoll_(needed(told(::epoll_create1(EPOLL_CLOEXEC)), "epoll")) {}

  // Opens them a few at a time, each few with an answer before the next, so that no backlog overflows.
  void connect_all(std::size_t count) {
    connections_.resize(count);
    going_on_ = false;
    for (std::size_t first = 0; first < count; first += at_a_time) {
      open_and_ask(first, std::min(count, first + at_a_time));
    }
    going_on_ = true;
  }
  // Until then: opens them, asks once on each, closes them, again. A new connection is what is counted.
  void open_anew_until(std::uint64_t end, std::uint64_t answers) {
    going_on_ = false;
    while (last_seen_ < end || answered_ < answers) {
      close_all();
      open_and_ask(0, std::min(connections_.size(), at_a_time));
    }
  }

  void start() {
    for (connection& c : connections_) {
      send_next(c, now());
    }
  }
  // Until then, and until so many answers are there.
  void run_until(std::uint64_t end, std::uint64_t answers) {
    while (last_seen_ < end || answered_ < answers) {
      turn();
    }
  }
  void begin_recording() {
    answered_ = 0;
    recorded_ = std::make_unique<weft::tool::latency_summary>();
  }
  std::uint64_t answered() const { return answered_; }
  const weft::tool::latency_summary& recorded() const { return *recorded_; }

 private:
  static constexpr std::size_t at_a_time = 256;

  void open_and_ask(std::size_t first, std::size_t end) {
    const std::uint64_t enough = answered_ + (end - first);
    for (std::size_t i = first; i < end; ++i) {
      connect(connections_[i], i);
      send_next(connections_[i], now());
    }
    while (answered_ < enough) {
      turn();
    }
  }

  void close_all() {
    for (connection& c : connections_) {
      if (c.fd >= 0) {
        ::close(c.fd);
        c.fd = -1;
      }
    }
  }

  void connect(connection& c, std::size_t number) {
    c.number = number;
    c.fd = needed(told(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), "socket");
    const int on = 1;
    const linger reset{.l_onoff = 1, .l_linger = 0};  // leaves no port behind that lingers
    needed(told(::setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset)), "SO_LINGER");
    needed(told(::setsockopt(c.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on)), "IP_BIND_ADDRESS_NO_PORT");
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK + static_cast<std::uint32_t>(number % sources_));
    needed(told(::bind(c.fd, reinterpret_cast<const sockaddr*>(&at), sizeof at)), "bind");
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(port_);
    needed(told(::connect(c.fd, reinterpret_cast<const sockaddr*>(&at), sizeof at)), "connect");
    epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.ptr = &c}};
    needed(told(::epoll_ctl(epoll_, EPOLL_CTL_ADD, c.fd, &event)), "EPOLL_CTL_ADD");
  }

  void turn() {
    constexpr int patience_ms = 10'000;
    const long n = told(::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), patience_ms));
    if (n == 0) {
      fail("no answer for ten seconds");
    }
    if (n < 0 && n != -EINTR) {
      fail("epoll_wait", n);
    }
    for (long i = 0; i < n; ++i) {
      receive(*static_cast<connection*>(events_[static_cast<std::size_t>(i)].data.ptr));
    }
  }

  void receive(connection& c) {
    const long n = told(::recv(c.fd, c.answer.data() + c.got, request_bytes - c.got, MSG_DONTWAIT));
    if (n == -EAGAIN) {
      return;
    }
    if (n <= 0) {
      fail("a connection ended", n);
    }
    c.got += static_cast<std::size_t>(n);
    if (c.got < request_bytes) {
      return;  // a short read: the rest comes with an edge
    }
    const std::uint64_t time = now();
    last_seen_ = time;
    ++answered_;
    if (recorded_ != nullptr) {
      record(time - c.sent_at);
    }
    if (c.answer != request_of(c)) {
      fail("an answer is not what was sent");
    }
    c.got = 0;
    ++c.sequence;
    if (going_on_) {
      send_next(c, time);
    }
  }

  void send_next(connection& c, std::uint64_t time) {
    const auto bytes = request_of(c);
    c.sent_at = time;
    const long n = told(::send(c.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
    if (n != static_cast<long>(request_bytes)) {
      fail("a request was not taken whole", n);
    }
  }

  void record(std::uint64_t ns) {
    ++recorded_->buckets[weft::tool::latency_buckets::index(ns)];
    ++recorded_->recorded;
    recorded_->sum += ns;
    recorded_->highest = std::max(recorded_->highest, ns);
  }

  std::uint16_t port_;
  unsigned sources_;
  int epoll_;
  bool going_on_ = true;
  std::uint64_t answered_ = 0;
  std::uint64_t last_seen_ = 0;
  std::vector<connection> connections_;
  std::array<epoll_event, 512> events_;
  std::unique_ptr<weft::tool::latency_summary> recorded_;
};

double us(std::uint64_t ns) { return static_cast<double>(ns) / 1000; }

}  // namespace

int main(int argc, char** argv) {
  const echo::arguments given(argc, argv);
  echo::raise_descriptor_limit();
  const clockid_t server_cpu = cpu_clock_of(static_cast<pid_t>(given.number("server", 0)));
  load all(static_cast<std::uint16_t>(given.number("port", 0)), given.number("sources", 4));
  all.connect_all(given.number("connections", 1));
  const bool kept = given.either("connection", "kept", "anew", true);
  const auto run_until = [&](std::uint64_t end, std::uint64_t answers) {
    kept ? all.run_until(end, answers) : all.open_anew_until(end, answers);
  };
  if (kept) {
    all.start();
  }
  run_until(now() + given.number("warmup", 50) * ns_per_ms, 0);

  all.begin_recording();
  const std::uint64_t cpu_began = read_clock(server_cpu);
  const std::uint64_t own_began = read_clock(CLOCK_PROCESS_CPUTIME_ID);
  const std::uint64_t began = now();
  run_until(began + given.number("milliseconds", 250) * ns_per_ms, given.number("requests", 1));
  const std::uint64_t took = now() - began;
  const std::uint64_t own_took = read_clock(CLOCK_PROCESS_CPUTIME_ID) - own_began;
  const std::uint64_t cpu_took = read_clock(server_cpu) - cpu_began;

  const auto& latencies = all.recorded();
  std::printf(
      "{\"requests\": %llu, \"ns\": %llu, \"server_cpu_ns\": %llu, \"load_cpu_ns\": %llu, "
      "\"p50_us\": %.2f, \"p99_us\": %.2f, \"p999_us\": %.2f, \"max_us\": %.2f}\n",
      static_cast<unsigned long long>(all.answered()), static_cast<unsigned long long>(took),
      static_cast<unsigned long long>(cpu_took), static_cast<unsigned long long>(own_took), us(latencies.quantile(0.5)),
      us(latencies.quantile(0.99)), us(latencies.quantile(0.999)), us(latencies.highest));
  return 0;
}
