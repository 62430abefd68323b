// The source of all chance in deterministic tests: splitmix64, and a fingerprint of what was drawn.
#pragma once
#include <cstddef>  // size_t
#include <cstdint>  // uint64_t

#include "sched/runtime_impl.hpp"  // seeded_choice

namespace weft::testing {

class seeded_random final : public detail::seeded_choice {
 public:
  explicit seeded_random(std::uint64_t seed) noexcept : state_(seed) {}

  // 0 .. n-1. The bias of the remainder is below 2^-32 for the n of tests.
  std::size_t below(std::size_t n) noexcept override {
    const std::size_t drawn = static_cast<std::size_t>(next() % n);
    ++drawn_;
    fingerprint_ = (fingerprint_ ^ drawn ^ (std::uint64_t{n} << 32)) * 0x100000001b3U;  // FNV-1a
    return drawn;
  }
  std::uint64_t drawn() const noexcept { return drawn_; }
  std::uint64_t fingerprint() const noexcept { return fingerprint_; }

 private:
  std::uint64_t next() noexcept {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  std::uint64_t state_;
  std::uint64_t drawn_ = 0;
  std::uint64_t fingerprint_ = 0xcbf29ce484222325U;
};

}  // namespace weft::testing
