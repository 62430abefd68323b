// Loads that begin and end fibers.
#include <array>    // stack sizes
#include <cstddef>  // size_t
#include <thread>   // plain threads
#include <vector>   // fibers

#include <weft/weft.hpp>

#include "load.hpp"

namespace soak {
namespace {

// \return leaves of a tree whose inner nodes have `fanout` children each, counted by a fiber for each node
std::uint64_t leaves_of(unsigned depth, std::uint64_t fanout, chance draw) {
  static constexpr std::array<std::size_t, 4> stacks{16384, 65536, 262144, 1048576};
  if (depth == 0) return 1;
  std::vector<weft::fiber<std::uint64_t>> children;
  for (std::uint64_t i = 0; i < fanout; ++i) {
    const chance its_draw = fork(draw);
    const weft::fiber_options options{.name = "node",
                                      // A small stack for a leaf only: the others call this function again.
                                      .stack_size = stacks[depth == 1 ? below(draw, 4) : 2],
                                      .spread = below(draw, 4) == 0};
    children.push_back(weft::spawn(options, [=] { return leaves_of(depth - 1, fanout, its_draw); }));
  }
  std::uint64_t sum = 0;
  for (auto& child : children) sum += child.join();
  return sum;
}

std::string text_of(std::uint64_t i) { return "exception " + std::to_string(i); }

void throw_through_suspensions(std::uint64_t i) {
  try {
    throw std::runtime_error(text_of(i));
  } catch (const std::runtime_error&) {
    for (int n = 0; n < 3; ++n) weft::this_fiber::yield();
    try {
      throw std::logic_error("inner");
    } catch (const std::logic_error& e) {
      weft::this_fiber::yield();
      demand(e.what() == std::string("inner"), "a handler holds somebody else's exception");
    }
    throw;
  }
}

}  // namespace

void trees(const phase& p) {
  chance draw = p.draw(1);
  while (p.goes_on()) {
    const unsigned depth = 1 + static_cast<unsigned>(below(draw, 4));
    const std::uint64_t fanout = 1 + below(draw, 6);
    std::uint64_t expected = 1;
    for (unsigned i = 0; i < depth; ++i) expected *= fanout;
    demand(leaves_of(depth, fanout, draw) == expected, "trees: a wrong number of leaves");
    p.count();
  }
}

void detached(const phase& p) {
  chance draw = p.draw(2);
  while (p.goes_on()) {
    const auto wanted = static_cast<std::ptrdiff_t>(below(draw, 5000));
    weft::wait_group group;
    std::atomic<std::ptrdiff_t> ran{0};
    group.add(wanted);
    for (std::ptrdiff_t i = 0; i < wanted; ++i) {
      weft::spawn([&] {
        ran.fetch_add(1, std::memory_order_relaxed);  // relaxed: read after the group's wait
        group.done();
      }).detach();
    }
    group.wait();
    demand(ran.load(std::memory_order_relaxed) == wanted, "detached: a fiber did not run");  // relaxed: as above
    p.count();
  }
}

void exceptions(const phase& p) {
  while (p.goes_on()) {
    std::vector<weft::fiber<>> throwers;
    for (std::uint64_t i = 0; i < 50; ++i) throwers.push_back(weft::spawn([i] { throw_through_suspensions(i); }));
    for (std::uint64_t i = 0; i < throwers.size(); ++i) {
      std::string said;
      try {
        throwers[i].join();
      } catch (const std::runtime_error& e) {
        said = e.what();
      }
      demand(said == text_of(i), "exceptions: '" + said + "' came out of a join instead of '" + text_of(i) + "'");
    }
    p.count();
  }
}

void plain_threads(const phase& p) {
  weft::runtime& runtime = *weft::runtime::current();
  chance draw = p.draw(3);
  while (p.goes_on()) {
    const std::uint64_t base = below(draw, 1000);
    weft::promise<std::uint64_t> promise;
    auto future = promise.get_future();
    std::uint64_t joined = 0;
    std::thread outside([&] {
      for (std::uint64_t i = 0; i < 20; ++i) joined += runtime.spawn([=] { return base + i; }).join();
      promise.set_value(base);
    });
    const std::uint64_t promised = future.get();
    weft::blocking([&] { outside.join(); });
    demand(promised == base, "plain_threads: a promise gave another value");
    demand(joined == 20 * base + 190, "plain_threads: a thread's joins gave other values");
    weft::this_fiber::sleep_for(std::chrono::milliseconds(5));  // a thread a round is enough
    p.count();
  }
}

}  // namespace soak
