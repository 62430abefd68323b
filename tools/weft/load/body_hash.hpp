// A hash of a byte stream that does not depend on how the stream was cut: bodies that arrive in different pieces compare
// equal. For telling bodies apart, not for keeping secrets.
#pragma once
#include <cstddef>      // size_t
#include <cstdint>      // uint64_t
#include <cstring>      // memcpy
#include <string_view>  // string_view

namespace weft::tool {

class body_hash {
 public:
  void add(std::string_view bytes) noexcept {
    length_ += bytes.size();
    while (!bytes.empty()) {
      if (held_ == 0 && bytes.size() >= word_bytes) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data(), word_bytes);
        mix(word);
        bytes.remove_prefix(word_bytes);
        continue;
      }
      word_ |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes.front())) << (8 * held_);
      bytes.remove_prefix(1);
      if (++held_ == word_bytes) {
        mix(word_);
        word_ = 0;
        held_ = 0;
      }
    }
  }
  std::uint64_t length() const noexcept { return length_; }
  std::uint64_t value() const noexcept {
    body_hash last = *this;
    last.mix(word_);
    last.mix(length_);  // tells a partial word from one that ends in zeros
    return last.state_;
  }

 private:
  static constexpr std::size_t word_bytes = 8;
  // Multiply and fold: each step is a bijection of the state, so that a single changed word always changes the result.
  void mix(std::uint64_t word) noexcept {
    state_ = (state_ ^ word) * 0x9e3779b97f4a7c15U;
    state_ ^= state_ >> 32;
  }

  std::uint64_t state_ = 0x243f6a8885a308d3U;
  std::uint64_t word_ = 0;
  std::uint64_t length_ = 0;
  std::size_t held_ = 0;
};

}  // namespace weft::tool
