// Futex calls of one process, with absolute steady-clock deadlines.
#pragma once
#include <chrono>   // steady_clock
#include <cstdint>  // uint32_t

#include <weft/base/config.hpp>  // ABI check

namespace weft::inline v0::detail {

// `word` is the address of a 32-bit value, 4-byte aligned. Sleeps while it holds `expected`. Returns on a wake-up, a change, a signal or the deadline (max: none); the caller
// looks at the word again. \return false: the deadline passed.
bool futex_wait(const void* word, std::uint32_t expected, std::chrono::steady_clock::time_point deadline) noexcept;
void futex_wake(const void* word, int how_many) noexcept;

}  // namespace weft::inline v0::detail
