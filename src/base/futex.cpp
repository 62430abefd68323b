// Futex system calls.
#include "base/futex.hpp"

#include <cerrno>         // errno
#include <cstring>        // strerror
#include <ctime>          // timespec
#include <linux/futex.h>  // FUTEX_*
#include <sys/syscall.h>  // SYS_futex, SYS_futex_time64
#include <unistd.h>       // syscall

#include "base/check.hpp"
#include "base/kept_signals.hpp"

namespace weft::inline v0::detail {
namespace {

// Processors of 32 bits have a call of its own for times of 64.
#if defined(SYS_futex_time64)
constexpr long futex_call = SYS_futex_time64;
#else
constexpr long futex_call = SYS_futex;
#endif
static_assert(sizeof(timespec::tv_sec) == 8, "weft is built with _TIME_BITS=64");

}  // namespace

bool futex_wait(const void* word, std::uint32_t expected, std::chrono::steady_clock::time_point deadline) noexcept {
  timespec until{};
  const timespec* limit = nullptr;
  const std::chrono::steady_clock::time_point latest = direct_wait_until(deadline);
  if (latest != std::chrono::steady_clock::time_point::max()) {
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(latest.time_since_epoch()).count();
    until.tv_sec = ns > 0 ? ns / 1'000'000'000 : 0;
    until.tv_nsec = ns > 0 ? static_cast<long>(ns % 1'000'000'000) : 0;
    limit = &until;
  }
  const long result = ::syscall(futex_call, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected, limit, nullptr,
                                FUTEX_BITSET_MATCH_ANY);
  const int error = errno;
  call_kept_handlers();
  if (result == 0 || error == EAGAIN || error == EINTR) return true;
  WEFT_CHECK(error == ETIMEDOUT, "futex wait failed: %s", std::strerror(error));
  return latest < deadline;
}

void futex_wake(const void* word, int how_many) noexcept {
  // The only failures are EFAULT (the sleeper's thread has ended meanwhile: nobody to wake) and programming errors.
  ::syscall(futex_call, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, how_many, nullptr, nullptr, 0);
}

}  // namespace weft::inline v0::detail
