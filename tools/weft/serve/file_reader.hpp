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

 private:
  enum class mode { cached_first, always_slow, always_direct };
  std::int64_t read_slow(std::span<std::byte> out, std::uint64_t offset);

  int fd_;
  lane& slow_;
  mode mode_ = mode::cached_first;
};

}  // namespace weft::tool
