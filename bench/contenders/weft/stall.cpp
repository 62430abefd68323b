// Connections beside a fiber that computes without yielding.
#include <array>         // buffer
#include <chrono>        // the computing fiber's pauses
#include <cstddef>       // byte
#include <span>          // span
#include <system_error>  // error_code
#include <vector>        // fibers

#include "contenders/common/asker.hpp"
#include "contenders/weft/runtime.hpp"
#include "contenders/weft/workloads.hpp"

namespace contenders::on_weft {
namespace {

void give_back(weft::net::unix_stream& client) {
  std::array<std::byte, 1024> buffer;
  std::error_code error;
  for (;;) {
    const std::size_t n = client.read_some(buffer, error);
    if (error || n == 0) return;
    client.write_all(std::span<const std::byte>(buffer.data(), n), error);
    if (error) return;
  }
}

[[noreturn]] void compute_now_and_then() {
  for (auto next = std::chrono::steady_clock::now() + stall_computes_every;; next += stall_computes_every) {
    weft::this_fiber::sleep_until(next);
    compute(stall_computes);
  }
}

}  // namespace

figures stall(const options& o) {
  asker asking(o.size_or(stall_connections));
  weft::runtime runtime(runtime_for(o));
  weft::latch serving(static_cast<std::ptrdiff_t>(asking.server_ends().size()));
  std::vector<weft::fiber<>> servers;
  for (const int end : asking.server_ends()) {
    servers.push_back(runtime.spawn(spread_over(o), [end, &serving] {
      auto client = weft::net::unix_stream::from_native(end);
      serving.count_down();
      give_back(client);
    }));
  }
  serving.wait();
  const weft::fiber<> computing = runtime.spawn(spread_over(o), compute_now_and_then);  // stopped at the end
  asking.start();
  figures result = asking.finish();
  join_all(servers);
  return result;
}

}  // namespace contenders::on_weft
