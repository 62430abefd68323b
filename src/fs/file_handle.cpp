// Who closes the number of a file: whoever finds it closed with nobody else inside.
#include <weft/fs/file_handle.hpp>

#include "io/errors.hpp"
#include "io/file_calls.hpp"

namespace weft::inline v0::detail {

int file_handle::enter() noexcept {
  std::uint32_t word = word_.load(memory_order_relaxed);  // relaxed: the exchange decides
  do {
    if ((word & closed) != 0) {
      return -1;
    }
    // relaxed: fd_ was written before the object was shared
  } while (!word_.compare_exchange_weak(word, word + 1, memory_order_relaxed));
  return fd_;
}

void file_handle::leave() noexcept {
  // acq_rel: pairs with itself in other operations and with close(): their calls come before the number is closed
  if (word_.fetch_sub(1, memory_order_acq_rel) - 1 == closed) {
    file_calls::close(fd_);  // its error belongs to the caller of close(), which has returned
  }
}

std::error_code file_handle::close() noexcept {
  // acq_rel: pairs with leave(), whose call comes before the number is closed
  const std::uint32_t before = word_.fetch_or(closed, memory_order_acq_rel);
  return before == 0 ? to_error_code(file_calls::close(fd_).error) : std::error_code{};
}

}  // namespace weft::inline v0::detail
