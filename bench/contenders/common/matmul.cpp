// The kernel: a row of the block is summed up in registers or the first cache, whatever the compiler makes of it.
#include "contenders/common/matmul.hpp"

#include "contenders/common/errors.hpp"

namespace contenders {
namespace {

// Small whole numbers, so that every sum is exact in whatever order.
double value(std::size_t i, std::size_t j) { return static_cast<double>((i * 3 + j * 7) % 11) - 5; }

}  // namespace

matmul::matmul(std::size_t n) : n_(n), a_(n * n), b_(n * n), c_(n * n) {
  if (n == 0 || n % block != 0) throw unavailable("matmul: the size must be a multiple of 64");
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      a_[i * n + j] = value(i, j);
      b_[i * n + j] = value(j, i + 1);
    }
  }
}

void matmul::multiply(std::size_t block_row, std::size_t block_column) {
  const std::size_t first = block_column * block;
  for (std::size_t i = block_row * block; i < (block_row + 1) * block; ++i) {
    double sums[block] = {};
    for (std::size_t k = 0; k < n_; ++k) {
      const double factor = a_[i * n_ + k];
      const double* const row = &b_[k * n_ + first];
      for (std::size_t j = 0; j < block; ++j) sums[j] += factor * row[j];
    }
    for (std::size_t j = 0; j < block; ++j) c_[i * n_ + first + j] = sums[j];
  }
}

void matmul::check() const {
  for (std::size_t sample = 0; sample < 64; ++sample) {
    const std::size_t i = sample * 7919 % n_, j = sample * 104729 % n_;
    double sum = 0;
    for (std::size_t k = 0; k < n_; ++k) sum += a_[i * n_ + k] * b_[k * n_ + j];
    check_equal("an element of the product", c_[i * n_ + j], sum);
  }
}

}  // namespace contenders
