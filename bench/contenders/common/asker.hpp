// The asking side of `stall`: one plain thread that asks every connection every 5 ms, whether or not the answer before
// has come, and takes the latency from the moment at which the request was due.
#pragma once
#include <chrono>     // duration
#include <cstddef>    // size_t
#include <exception>  // exception_ptr
#include <thread>     // thread
#include <vector>     // ends, latencies

#include "contenders/common/figures.hpp"
#include "contenders/common/options.hpp"

namespace contenders {

constexpr std::size_t stall_connections = 64;
constexpr std::size_t stall_message_bytes = 64;
constexpr std::chrono::milliseconds stall_interval{5}, stall_duration{3000};
// Beside the servers, a fiber computes for so long, so often, without yielding.
constexpr std::chrono::milliseconds stall_computes{1}, stall_computes_every{100};
// Computes: returns after that time, and never lets go of the processor.
void compute(std::chrono::nanoseconds time);

class asker {
 public:
  explicit asker(std::size_t connections);  // makes the connections: Unix stream sockets
  ~asker();
  asker(const asker&) = delete;
  asker& operator=(const asker&) = delete;

  // The runtime's ends, non-blocking. Who takes them closes them. They read the end once asking is over.
  const std::vector<int>& server_ends() const { return server_ends_; }
  void start();      // once every server waits
  figures finish();  // waits for all answers, and closes: from a thread that is none of the runtime's workers

 private:
  void ask();

  std::vector<int> ends_, server_ends_;
  std::vector<double> latencies_us_;
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace contenders
