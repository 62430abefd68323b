// How many blocks of memory the calling thread has asked for so far, by whatever name: the C library's allocator is what
// operator new calls, too. Counting is done in allocation_count.cpp, by standing before the C library, or by the sanitizer's hooks.
#pragma once
#include <cstdint>  // uint64_t

namespace weft::testing {

std::uint64_t allocations_so_far() noexcept;

}  // namespace weft::testing
