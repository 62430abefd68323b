// Giving pages of free stacks back to the system. Whoever calls these owns the bundle; they make system calls.
#pragma once
#include <cstdint>  // uint32_t

#include "stack/stack.hpp"  // stack

namespace weft::inline v0::detail {

inline constexpr std::uint32_t cooled_at_once = 16;  // some 50 us: no longer than a fiber should wait for its worker

// Makes the stacks of a bundle cold slots again. \return what is left of it, still warm, if the system refused.
// \pre it has no more than cooled_at_once
stack* cool_bundle(stack* first) noexcept;

// Gives back what deep calls touched below the top 16 KiB of each stack of a bundle.
void drop_deep_pages(stack* first) noexcept;

}  // namespace weft::inline v0::detail
