// A wait that nothing but a stop of the fiber, or of a scope or deadline around it, can end.
#pragma once
#include <weft/sync/event.hpp>

namespace weft::testing {

inline void wait_for_stop() {
  event never;
  never.wait();
}

}  // namespace weft::testing
