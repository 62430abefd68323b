// Boost.Fiber's mutex under the same load, in a file of its own: with_boost.cpp where it is installed, else without.
#pragma once
#include <cstdint>  // uint64_t

namespace weft::bench {

extern const bool have_boost_fiber;
// `fibers` fibers on the calling thread lock one mutex `each` times. \return nanoseconds a lock
double boost_mutex_ns(unsigned fibers, std::uint64_t each, bool yield_inside);

}  // namespace weft::bench
