// File system calls that a ring makes.
#pragma once
#include "io/os_files.hpp"
#include "io/ring.hpp"

namespace weft::inline v0::detail::file_calls {

// Has the ring of the calling fiber's worker make the call, and waits, uncancellably. False: there is no such ring, or it
// has no room, and nothing was done.
bool on_ring(const char* what, const ring_entry& entry, os::result& got) noexcept;

// A ring's write into a pipe without readers must not end the process: RWF_NOSIGNAL, which Linux knows since 6.18.
inline constexpr std::uint32_t no_signal = 0x100;

}  // namespace weft::inline v0::detail::file_calls
