// Boost.Fiber is not installed: its rows are left out.
#include "micro/micro.hpp"

namespace micro {
void add_boost() {}
}  // namespace micro
