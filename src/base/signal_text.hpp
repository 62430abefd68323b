// Text for signal handlers: a fixed buffer, no allocation, no locale, one write(2).
#pragma once
#include <cstddef>   // size_t
#include <cstdint>   // uintptr_t
#include <unistd.h>  // write

namespace weft::inline v0::detail {

class signal_text {
 public:
  signal_text& put(const char* s) noexcept {
    while (*s != '\0') put_char(*s++);
    return *this;
  }
  signal_text& put_hex(std::uintptr_t value) noexcept {
    put("0x");
    return put_number(value, 16);
  }
  signal_text& put_dec(std::uintptr_t value) noexcept { return put_number(value, 10); }
  signal_text& put_hex_digits(std::uintptr_t value) noexcept { return put_number(value, 16); }

  // Writes to standard error and forgets.
  void flush() noexcept {
    for (std::size_t done = 0; done < used_;) {
      const ssize_t n = ::write(STDERR_FILENO, text_ + done, used_ - done);
      if (n <= 0) break;
      done += static_cast<std::size_t>(n);
    }
    used_ = 0;
  }
  unsigned copy(char* out, unsigned size) const noexcept {
    unsigned n = 0;
    for (; n < size && n < used_; ++n) out[n] = text_[n];
    return n;
  }

 private:
  void put_char(char c) noexcept {
    if (used_ < sizeof text_) text_[used_++] = c;
  }
  signal_text& put_number(std::uintptr_t value, unsigned base) noexcept {
    char digits[24];
    unsigned n = 0;
    do {
      digits[n++] = "0123456789abcdef"[value % base];
      value /= base;
    } while (value != 0);
    while (n > 0) put_char(digits[--n]);
    return *this;
  }
  // The longest report (an overflow with all its frames, on a stack lent eight times) has some 2300 bytes; and it is
  // written on a fiber's stack, where frames stay below 4 KiB.
  char text_[3072];
  std::size_t used_ = 0;
};

}  // namespace weft::inline v0::detail
