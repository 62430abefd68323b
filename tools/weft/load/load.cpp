// A load run in four steps: one request finds out what to expect, all connections are made, all send until the end, the
// counts are reported. Closed loop: a connection sends its next batch when it has read the last one.
#include "load/load.hpp"

#include <unistd.h>  // isatty

#include <algorithm>     // min
#include <cstdio>        // fputs, fprintf
#include <iterator>      // back_inserter
#include <memory>        // make_unique
#include <system_error>  // error_code
#include <utility>       // move
#include <vector>        // vector

#include <weft/interop/asio_stream.hpp>  // sync_stream
#include <weft/net/resolve.hpp>          // resolve
#include <weft/net/tcp_stream.hpp>       // tcp_stream
#include <weft/sched/runtime.hpp>        // run, spawn
#include <weft/sched/this_fiber.hpp>     // sleep_for

#include "common/failure.hpp"         // failure
#include "common/process_limits.hpp"  // raise_descriptor_limit, peak_resident_bytes
#include "common/stop_signals.hpp"    // stop_signals
#include "load/client.hpp"            // load_client
#include "load/report.hpp"            // render_text, render_json
#include "load/url.hpp"               // parse_url

namespace weft::tool {
namespace {

using clock = std::chrono::steady_clock;
using client = load_client<interop::sync_stream, clock>;

struct load_run {
  load_run(const load_options& o, http_url u) : options(o), url(std::move(u)) {}

  const load_options& options;
  http_url url;
  net::endpoint to;
  std::string request, batch;
  expectation expected;
  results counted;
  clock::time_point end{};
  detail::atomic<std::int64_t> tickets{0};  // requests still to be sent, when their number is limited
  detail::atomic<bool> stop{false};         // Ctrl-C

  // Whether another batch may be sent. Takes its tickets; the last batch may pass the number asked for.
  bool go_on() noexcept {
    if (stop.load(detail::memory_order_relaxed) || clock::now() >= end) {  // relaxed: a wish, no data behind it
      return false;
    }
    if (options.requests == 0) {
      return true;
    }
    // relaxed: tickets are only counted
    return tickets.fetch_sub(options.pipeline, detail::memory_order_relaxed) > 0;
  }
};

interop::sync_stream connect(const load_run& run, std::error_code& error) {
  auto socket = net::tcp_stream::connect_for(run.to, run.options.timeout, error);
  if (!error) {
    std::error_code ignored;  // without it a pipelined batch may wait for an acknowledgement; it is still correct
    socket.set_no_delay(true, ignored);
    socket.set_timeout(run.options.timeout);
  }
  return interop::sync_stream{std::move(socket)};
}

// The first request: is there a server, does it say 200, and what is the body?
void find_out(load_run& run) {
  std::error_code error;
  for (const auto& candidate : net::resolve(run.url.host, run.url.port)) {
    run.to = candidate;
    auto stream = connect(run, error);
    if (error) {
      continue;
    }
    client one{stream, run.expected, run.counted};
    response_reader reader;
    auto problem = one.send(run.request);
    if (problem == load_error::none) {
      problem = one.receive(reader);
    }
    if (problem != load_error::none) {
      throw failure{"the server did not answer the first request (" + std::string{name_of(problem)} + ")"};
    }
    if (reader.status() != 200) {
      throw failure{run.options.url + " answers with status " + std::to_string(reader.status()) +
                    "; a load run needs a URL that answers 200"};
    }
    run.expected = {reader.body().length(), reader.body().value()};
    return;
  }
  throw failure{"no server at " + run.url.authority + ": " + error.message()};
}

// A few fibers make the connections, each its share one after the other: a rush of all at once would overflow the
// server's backlog, and every dropped attempt costs a second.
std::vector<interop::sync_stream> connect_all(load_run& run) {
  constexpr unsigned connectors = 64;
  const unsigned fibers = std::min(connectors, run.options.connections);
  std::vector<std::vector<interop::sync_stream>> made(fibers);
  std::vector<fiber<>> joins;
  for (unsigned f = 0; f < fibers; ++f) {
    joins.push_back(weft::spawn(fiber_options{.name = "connect", .spread = true}, [&run, &made, f, fibers] {
      // relaxed: a wish, no data behind it
      for (unsigned i = f; i < run.options.connections && !run.stop.load(detail::memory_order_relaxed); i += fibers) {
        std::error_code error;
        auto stream = connect(run, error);
        if (error) {
          run.counted.failure(load_error::connect);
        } else {
          made[f].push_back(std::move(stream));
        }
      }
    }));
  }
  std::vector<interop::sync_stream> all;
  all.reserve(run.options.connections);
  for (unsigned f = 0; f < fibers; ++f) {
    joins[f].join();
    std::move(made[f].begin(), made[f].end(), std::back_inserter(all));
  }
  return all;
}

// One connection until the end; a connection that is lost is made anew, and counted.
void keep_sending(load_run& run, interop::sync_stream stream) {
  bool connected = true;
  while (run.go_on()) {
    if (!connected) {
      std::error_code error;
      stream = connect(run, error);
      if (error) {
        run.counted.failure(load_error::connect);
        this_fiber::sleep_for(std::chrono::milliseconds{100});  // a server that is down is not asked in a tight loop
        continue;
      }
      run.counted.reconnect();
    }
    client one{stream, run.expected, run.counted};
    typename client::outcome last{};
    do {
      last = one.exchange(run.batch, run.options.pipeline);
    } while (last.keep && run.go_on());
    if (last.error != load_error::none) {
      run.counted.failure(last.error);
    }
    connected = last.keep;
    if (connected) {
      return;  // the run is over, not the connection
    }
  }
}

void show_progress(const load_run& run, clock::time_point start) {
  std::uint64_t before = 0;
  for (unsigned second = 1;; ++second) {
    this_fiber::sleep_until(start + std::chrono::seconds{second});
    const auto now = run.counted.responses();
    std::fprintf(stderr, "weft: %u s, %llu responses, %llu in the last second\n", second,
                 static_cast<unsigned long long>(now), static_cast<unsigned long long>(now - before));
    before = now;
  }
}

load_report measure(load_run& run) {
  find_out(run);
  auto streams = connect_all(run);
  load_report report{run.options.url,
                     run.options.connections,
                     static_cast<unsigned>(streams.size()),
                     run.options.pipeline,
                     0,
                     run.expected.length,
                     0,
                     {}};
  const auto start = clock::now();
  run.end = start + run.options.duration;
  std::vector<fiber<>> joins;
  joins.reserve(streams.size());
  for (auto& stream : streams) {
    joins.push_back(
        weft::spawn(fiber_options{.name = "load", .spread = true},
                    [&run, stream = std::move(stream)]() mutable { keep_sending(run, std::move(stream)); }));
  }
  fiber<> progress;  // stopped and joined by its destructor
  if (run.options.progress || ::isatty(STDERR_FILENO) == 1) {
    progress = weft::spawn(fiber_options{.name = "progress"}, [&run, start] { show_progress(run, start); });
  }
  for (auto& one : joins) {
    one.join();
  }
  report.seconds = std::chrono::duration<double>(clock::now() - start).count();
  report.peak_resident_bytes = peak_resident_bytes();
  report.counted = run.counted.sum();
  return report;
}

void check_descriptors(unsigned connections) {
  constexpr unsigned spare = 64;  // standard streams, pollers, wake-ups, the log
  const auto limit = raise_descriptor_limit();
  if (limit < std::uint64_t{connections} + spare) {
    throw failure{std::to_string(connections) + " connections need " + std::to_string(connections + spare) +
                  " open files and the hard limit is " + std::to_string(limit) +
                  "; raise it ('ulimit -Hn', limits.conf, LimitNOFILE) or ask for fewer with --connections"};
  }
}

}  // namespace

int load(const load_options& options) {
  auto url = parse_url(options.url);
  if (!url) {
    throw failure{"'" + options.url + "' is not a URL of the form http://host[:port]/path"};
  }
  check_descriptors(options.connections);
  load_run run{options, std::move(*url)};
  run.request =
      "GET " + run.url.target + " HTTP/1.1\r\nHost: " + run.url.authority + "\r\nUser-Agent: weft-load\r\n\r\n";
  for (unsigned i = 0; i < options.pipeline; ++i) {
    run.batch += run.request;
  }
  // relaxed: no fiber runs yet
  run.tickets.store(static_cast<std::int64_t>(options.requests), detail::memory_order_relaxed);
  // relaxed: a wish, no data behind it
  const stop_signals signals{[&run] { run.stop.store(true, detail::memory_order_relaxed); }};
  const auto report = weft::run(runtime_options{.workers = options.workers}, [&run] { return measure(run); });
  const std::string text = options.json ? render_json(report) : render_text(report);
  std::fputs(text.c_str(), stdout);
  return report.counted.failed() == 0 && report.counted.responses != 0 ? 0 : 1;
}

}  // namespace weft::tool
