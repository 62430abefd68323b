// Boost.Fiber, measured.
#include "sync/boost_mutex.hpp"

#include <chrono>  // steady_clock
#include <mutex>   // lock_guard
#include <vector>  // fibers

#include <boost/fiber/fiber.hpp>
#include <boost/fiber/mutex.hpp>
#include <boost/fiber/operations.hpp>

namespace weft::bench {

const bool have_boost_fiber = true;

double boost_mutex_ns(unsigned fibers, std::uint64_t each, bool yield_inside) {
  boost::fibers::mutex m;
  std::uint64_t counter = 0;
  std::vector<boost::fibers::fiber> all;
  const auto start = std::chrono::steady_clock::now();
  for (unsigned f = 0; f < fibers; ++f) {
    all.emplace_back([&] {
      for (std::uint64_t i = 0; i < each; ++i) {
        const std::lock_guard<boost::fibers::mutex> guard(m);
        ++counter;
        if (yield_inside) boost::this_fiber::yield();
      }
    });
  }
  for (auto& f : all) f.join();
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() /
         static_cast<double>(counter);
}

}  // namespace weft::bench
