// Fibers that wait, in whatever way, and are stopped.
#include <vector>  // fibers

#include <weft/weft.hpp>

#include "load.hpp"

namespace soak {
namespace {

using namespace std::chrono_literals;

// What the waiters wait for, and nobody ever gives.
struct nothing {
  weft::event event;
  weft::counting_semaphore<> semaphore{0};
  weft::channel<int> full{1}, empty{1};
  weft::mutex mutex;
  weft::condition_variable condition;
  weft::wait_group group;
  nothing() {
    full.send(1);
    group.add();
  }
  ~nothing() { group.done(); }
};

constexpr std::uint64_t ways = 9;

void wait_for(nothing& n, std::uint64_t way) {
  std::byte byte{};
  switch (way) {
    case 0:
      return weft::this_fiber::sleep_for(24h);
    case 1:
      return n.event.wait();
    case 2:
      return n.semaphore.acquire();
    case 3:
      return n.full.send(2);
    case 4:
      static_cast<void>(n.empty.receive());
      return;
    case 5: {
      std::unique_lock lock(n.mutex);
      for (;;) n.condition.wait(lock);
    }
    case 6:
      return n.group.wait();
    case 7: {
      weft::pipe pipe;  // its own: one reads at a time
      static_cast<void>(pipe.reader.read_some({&byte, 1}));
      return;
    }
    default:
      static_cast<void>(weft::select(weft::on_receive(n.empty, [](auto) {}), weft::on_send(n.full, 3, [] {})));
  }
}

// Counts lives: every one of a waiter has to end, and its destructor may wait once more.
struct life {
  explicit life(std::atomic<int>& count) : alive(count) { alive.fetch_add(1); }
  ~life() {
    weft::this_fiber::yield();
    alive.fetch_sub(1);
  }
  life(const life&) = delete;
  life& operator=(const life&) = delete;
  std::atomic<int>& alive;
};

}  // namespace

void stops(const phase& p) {
  chance draw = p.draw(4);
  while (p.goes_on()) {
    nothing never;
    std::atomic<int> alive{0}, stopped{0};
    std::vector<weft::fiber<>> waiters;
    const std::uint64_t wanted = 1 + below(draw, 200);
    for (std::uint64_t i = 0; i < wanted; ++i) {
      const std::uint64_t way = below(draw, ways);
      waiters.push_back(weft::spawn({.name = "waiter", .spread = below(draw, 2) == 0}, [&, way] {
        const life mine(alive);
        try {
          wait_for(never, way);
        } catch (const weft::cancelled&) {
          stopped.fetch_add(1);
          throw;
        }
      }));
    }
    if (below(draw, 2) == 0) weft::this_fiber::sleep_for(std::chrono::microseconds(below(draw, 3000)));
    for (auto& waiter : waiters) waiter.request_stop();
    for (auto& waiter : waiters) {
      bool was_stopped = false;
      try {
        waiter.join();
      } catch (const weft::cancelled&) {
        was_stopped = true;
      }
      demand(was_stopped, "stops: a wait for nothing ended by itself");
    }
    demand(alive.load() == 0, "stops: a destructor did not run");
    demand(stopped.load() == static_cast<int>(wanted), "stops: a fiber was not cancelled where it waited");
    p.count();
  }
}

}  // namespace soak
