// n x n doubles: C = A * B by blocks of 64 x 64. Each block of C can be computed by itself.
#pragma once
#include <cstddef>  // size_t
#include <vector>   // matrices

namespace contenders {

class matmul {
 public:
  static constexpr std::size_t block = 64;

  explicit matmul(std::size_t n);                    // \throw unavailable when n is no multiple of 64
  std::size_t blocks() const { return n_ / block; }  // in a row; blocks() * blocks() in all
  void multiply(std::size_t block_row, std::size_t block_column);
  void check() const;  // \throw wrong_result when a sample of C is wrong

 private:
  std::size_t n_;
  std::vector<double> a_, b_, c_;
};

}  // namespace contenders
