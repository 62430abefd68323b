// Contenders that need a library of their own. Null when it was not found at build time.
#pragma once
#include <cstdint>  // uint64_t

namespace bench {
extern void (*const boost_trips)(std::uint64_t n);
}
