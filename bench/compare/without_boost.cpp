// Boost.Fiber is not installed: weft is measured alone.
#include "compare/contenders.hpp"

namespace compare {
const contender* boost_contender() { return nullptr; }
}  // namespace compare
