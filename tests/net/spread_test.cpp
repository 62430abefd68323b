// An accept loop that starts its sessions with `spread` uses all workers evenly.
#include <algorithm>  // min, max
#include <map>        // map
#include <thread>     // this_thread

#include <gtest/gtest.h>

#include "net/loopback.hpp"

namespace {

using namespace weft_test;
using weft::net::tcp_stream;

class Spread : public testing::TestWithParam<unsigned> {};
// No more workers than CPUs: what is placed on a thread that does not run for long is taken over by others.
INSTANTIATE_TEST_SUITE_P(Workers, Spread, testing::Values(1U, 2U));

TEST_P(Spread, AcceptedConnectionsSpreadOverWorkers) {
  const int connections = 200;
  std::map<std::thread::id, int> per_thread;
  weft::run(workers(GetParam()), [&] {
    auto listener = listen_anywhere();
    std::vector<weft::fiber<std::thread::id>> sessions;
    std::vector<tcp_stream> clients;
    for (int i = 0; i < connections; ++i) {
      clients.push_back(tcp_stream::connect(listener.local_endpoint()));
      sessions.push_back(weft::spawn(
          {.name = "session", .spread = true},
          [](tcp_stream s) {
            std::byte one;
            EXPECT_EQ(s.read_some({&one, 1}), 0U);  // lives until all clients are there
            return std::this_thread::get_id();
          },
          listener.accept()));
    }
    clients.clear();
    for (auto& s : sessions) {
      ++per_thread[s.join()];
    }
  });
  EXPECT_EQ(per_thread.size(), GetParam());
  int least = connections, most = 0;
  for (const auto& [id, count] : per_thread) {
    least = std::min(least, count);
    most = std::max(most, count);
  }
  EXPECT_LE(most * 2, least * 3 + 4) << "not within 1.5 times: " << least << " to " << most;
}

}  // namespace
