/// \file   weft/fiber/fiber_id.hpp
/// \brief  Identity of a fiber (or, on a plain thread, of that thread).
#pragma once
#include <compare>     // operator<=>
#include <cstdint>     // uint64_t
#include <functional>  // hash
#include <iosfwd>      // ostream

#include <weft/base/config.hpp>  // WEFT_EXPORT

namespace weft::inline v0 {

/// Unique among all fibers of the process, ended ones included; default-constructed: no fiber. Cheap to copy, ordered,
/// hashable, printable.
class fiber_id {
 public:
  constexpr fiber_id() noexcept = default;
  /// Used by weft: address of the record, and how often it has been used.
  constexpr fiber_id(const void* record, std::uint32_t generation) noexcept
      : record_(record), generation_(generation) {}
  friend constexpr bool operator==(fiber_id, fiber_id) noexcept = default;
  friend std::strong_ordering operator<=>(fiber_id a, fiber_id b) noexcept {
    const auto order = std::compare_three_way{}(a.record_, b.record_);
    return order != 0 ? order : a.generation_ <=> b.generation_;
  }
  std::size_t hash() const noexcept {
    return std::hash<const void*>{}(record_) ^ static_cast<std::size_t>(generation_ * 0x9e3779b97f4a7c15U);
  }
  /// Prints as `fiber#<hex>.<generation>`, `fiber#none` when it names none.
  friend WEFT_EXPORT std::ostream& operator<<(std::ostream& out, fiber_id id);

 private:
  const void* record_ = nullptr;
  std::uint32_t generation_ = 0;
};

}  // namespace weft::inline v0

template <>
struct std::hash<weft::fiber_id> {
  std::size_t operator()(weft::fiber_id id) const noexcept { return id.hash(); }
};
