// Boost.Fiber is not installed: its rows are left out.
#include "sync/boost_mutex.hpp"

namespace weft::bench {

const bool have_boost_fiber = false;
double boost_mutex_ns(unsigned /*fibers*/, std::uint64_t /*each*/, bool /*yield_inside*/) { return 0; }

}  // namespace weft::bench
