// Boost.Context, by its C++ interface.
#include <boost/context/fiber.hpp>  // fiber
#include <utility>                  // move

#include "contenders.hpp"

namespace {
void trips(std::uint64_t n) {
  bool leave = false;
  boost::context::fiber guest{[&leave](boost::context::fiber&& host) {
    while (!leave) {
      host = std::move(host).resume();
    }
    return std::move(host);
  }};
  for (; n != 0; --n) {
    guest = std::move(guest).resume();
  }
  leave = true;
  guest = std::move(guest).resume();
}
}  // namespace

namespace bench {
void (*const boost_trips)(std::uint64_t n) = trips;
}
