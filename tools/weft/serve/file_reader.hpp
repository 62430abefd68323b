// Reads a piece of an open file: at once what is in the page cache, through the lane what is not.
#pragma once
#include <cstddef>  // byte, size_t
#include <cstdint>  // uint64_t
#include <span>     // span

#include "serve/lane.hpp"  // lane

namespace weft::tool {

class file_reader {
 public:
  // Does not own `fd`.
  file_reader(int fd, lane& slow) noexcept : fd_(fd), slow_(slow) {}

  // Fills the front of `out` from `offset`. Returns how much (0: end of file), or minus errno. May suspend.
  std::int64_t read(std::span<std::byte> out, std::uint64_t offset);

  // Whether the kernel can be expected to give these bytes without waiting for a disk: it has the first and the last of
  // them in memory. Never waits, and never suspends. \pre length != 0
  bool is_cached(std::uint64_t offset, std::uint64_t length);

 private:
  enum class mode { cached_first, always_slow, always_direct };
  void learn_from(std::int64_t n) noexcept;
  std::int64_t read_slow(std::span<std::byte> out, std::uint64_t offset);

  int fd_;
  lane& slow_;
  mode mode_ = mode::cached_first;
};

}  // namespace weft::tool
