// Valgrind follows the stack pointer: unless it knows the stacks, it takes a switch for frames of megabytes that come or go,
// and what lies between for memory that nobody may touch. So each stack is made known when it is made, not at switches.
// On a real processor that is a handful of instructions without effect; where its headers were missing, it is nothing.
// Source: Valgrind's manual, "The Client Request mechanism".
#pragma once
#include <cstddef>  // byte
#include <cstdint>  // uint32_t

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#define WEFT_TELL_VALGRIND_OF(low, high) VALGRIND_STACK_REGISTER(low, high)
#define WEFT_LET_VALGRIND_FORGET(number) VALGRIND_STACK_DEREGISTER(number)
#define WEFT_ON_VALGRIND (RUNNING_ON_VALGRIND != 0)
#else
#define WEFT_ON_VALGRIND false
#define WEFT_TELL_VALGRIND_OF(low, high) 0
#define WEFT_LET_VALGRIND_FORGET(number) static_cast<void>(number)
#endif

namespace weft::inline v0::detail {

// [low, high) is a stack from now on. \return its number there
inline std::uint32_t tell_valgrind_of([[maybe_unused]] std::byte* low, [[maybe_unused]] std::byte* high) noexcept {
  return static_cast<std::uint32_t>(WEFT_TELL_VALGRIND_OF(low, high));
}
// Valgrind reads what a program gives to the kernel, and dies of a page with a guard marker, as it takes it for readable.
inline bool on_valgrind() noexcept { return WEFT_ON_VALGRIND; }
inline void let_valgrind_forget([[maybe_unused]] std::uint32_t number) noexcept { WEFT_LET_VALGRIND_FORGET(number); }

}  // namespace weft::inline v0::detail
