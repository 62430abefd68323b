// Where an address lies among the stacks: for the fault handler, which may interrupt anything. Reads only.
#include "stack/guard.hpp"  // guard_bytes
#include "stack/slab.hpp"   // find_slot
#include "stack/stack.hpp"

namespace weft::inline v0::detail {

stack_location locate_stack_address(const void* address) noexcept {
  stack_location found;
  found.slot = find_slot(address, found.slot_bytes);
  if (found.slot == nullptr) {
    return {};
  }
  const auto offset = static_cast<std::size_t>(static_cast<const std::byte*>(address) - found.slot);
  found.zone = offset < guard_bytes(found.slot_bytes) ? stack_zone::guard : stack_zone::usable;
  return found;
}

}  // namespace weft::inline v0::detail
