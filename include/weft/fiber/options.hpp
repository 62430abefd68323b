/// \file   weft/fiber/options.hpp
/// \brief  What can be asked for when a fiber is spawned.
#pragma once
#include <cstddef>      // size_t
#include <string_view>  // string_view

namespace weft::inline v0 {

/// Whether a started fiber may change thread. `inherit`: as its runtime's default.
/// A `free` fiber is *allowed* to move; this version starts it anywhere and then leaves it there.
enum class migration { inherit, pinned, free };

struct fiber_options {
  std::string_view name = {};  ///< shown in reports; copied, cut to 31 bytes
  std::size_t stack_size = 0;  ///< bytes of address space, 16 KiB to 64 MiB, rounded up to a power of two
                               ///< and to what a signal frame of the processor needs; 0: the runtime's
  migration migrate = migration::inherit;
  bool spread = false;  ///< start on the worker with the fewest live fibers instead of near the spawner
};

}  // namespace weft::inline v0
