// What the system lets this process have.
#pragma once
#include <cstdint>  // uint64_t

namespace weft::tool {

// Raises the soft limit on open descriptors to the hard one. Returns the limit that now holds.
std::uint64_t raise_descriptor_limit() noexcept;

// Resident memory of this process at its highest, in bytes.
std::uint64_t peak_resident_bytes() noexcept;

}  // namespace weft::tool
