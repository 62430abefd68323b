// Printing of fiber ids.
#include <ostream>  // operator<<

#include <weft/fiber/fiber_id.hpp>

namespace weft::inline v0 {

std::ostream& operator<<(std::ostream& out, fiber_id id) {
  if (id == fiber_id{}) return out << "fiber#none";
  const auto flags = out.flags();
  out << "fiber#" << std::hex << reinterpret_cast<std::uintptr_t>(id.record_) << '.' << std::dec << id.generation_;
  out.flags(flags);
  return out;
}

}  // namespace weft::inline v0
