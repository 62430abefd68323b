// How a system call is made: by the test's leave, its errno copied at once. For the files that define the calls of os.hpp,
// os_files.hpp and os_process.hpp.
#pragma once
#include <algorithm>  // min
#include <cstddef>    // size_t
#include <cstdint>    // int64_t

#include "io/os.hpp"
#include "io/sanitizer_order.hpp"

namespace weft::inline v0::detail::os {

// The errno of the call just made.
int last_error() noexcept;

template <class Call>
result invoke(call which, int fd, Call&& make) noexcept {
  if (const fault planned = planned_fault(which, fd); planned.error != 0) [[unlikely]] {
    return {-1, planned.error};
  }
  sanitizer_publish_io();
  const std::int64_t value = make();
  return value < 0 ? result{-1, last_error()} : result{value, 0};
}

// make(n): moves at most n bytes, n <= size.
template <class Call>
result invoke_sized(call which, int fd, std::size_t size, Call&& make) noexcept {
  const fault planned = planned_fault(which, fd);
  if (planned.error != 0) [[unlikely]] {
    return {-1, planned.error};
  }
  sanitizer_publish_io();
  const std::int64_t value = make(std::min(size, planned.limit));
  return value < 0 ? result{-1, last_error()} : result{value, 0};
}

// For functions that return their error, as those of pthread and posix_spawn do.
template <class Call>
result invoke_returning(call which, int fd, Call&& make) noexcept {
  if (const fault planned = planned_fault(which, fd); planned.error != 0) [[unlikely]] {
    return {-1, planned.error};
  }
  sanitizer_publish_io();
  const int error = make();
  return error == 0 ? result{} : result{-1, error};
}

}  // namespace weft::inline v0::detail::os
