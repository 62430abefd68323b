// What happens when a fiber's closure has returned.
#pragma once
#include <weft/fiber/record.hpp>

#include "fiber/block.hpp"  // fiber_block

namespace weft::inline v0::detail {

class worker;

// Runs the destructors of the ending fiber's fiber_local values, newest first; they may suspend.
void destroy_fiber_locals(fiber_block& block) noexcept;
// Publishes the outcome, counts the fiber as ended and wakes the joiner. The last touch of the record, unless it is detached.
void publish_end(fiber_record& r, worker& here) noexcept;
// Gives a record without closure and result back to its pool: that of a fiber whose end was published, and that of one which
// will never start.
void free_record(fiber_record& r) noexcept;
void free_unstarted(fiber_record& r) noexcept;

}  // namespace weft::inline v0::detail
