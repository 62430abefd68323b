// Boost.Context was not found: that row is left out.
#include "contenders.hpp"

namespace bench {
void (*const boost_trips)(std::uint64_t n) = nullptr;
}
