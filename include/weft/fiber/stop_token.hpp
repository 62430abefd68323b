/// \file   weft/fiber/stop_token.hpp
/// \brief  A view of a stop state (a fiber's, or a stop_source's), as std::stop_token.
#pragma once
#include <utility>  // exchange, swap

#include <weft/fiber/stop_state.hpp>  // stop_block

namespace weft::inline v0 {
namespace detail {
struct stop_access;
}

/// As std::stop_token. The token of a fiber tells whether that fiber was asked to stop, also after it has ended.
///
/// Threads:  all members may run at the same time on different objects. Never blocks.
/// Ordering: what is sequenced before a request happens-before a stop_requested() that returns true.
/// Memory:   8 bytes.
class stop_token {
 public:
  stop_token() noexcept = default;
  explicit stop_token(detail::stop_block* adopted) noexcept : block_(adopted) {}  ///< takes over one reference
  stop_token(const stop_token& other) noexcept : block_(other.block_) {
    if (block_ != nullptr) block_->retain();
  }
  stop_token(stop_token&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  stop_token& operator=(stop_token other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~stop_token() {
    if (block_ != nullptr) block_->release();
  }
  [[nodiscard]] bool stop_requested() const noexcept { return block_ != nullptr && block_->stop_requested(); }
  /// True: stop was requested, or can be: a stop_source is left, or the fiber has not been joined.
  [[nodiscard]] bool stop_possible() const noexcept { return block_ != nullptr && block_->stop_possible(); }
  void swap(stop_token& other) noexcept { std::swap(block_, other.block_); }
  friend void swap(stop_token& a, stop_token& b) noexcept { a.swap(b); }
  [[nodiscard]] friend bool operator==(const stop_token& a, const stop_token& b) noexcept {
    return a.block_ == b.block_;
  }

 private:
  friend detail::stop_access;
  detail::stop_block* block_ = nullptr;
};

namespace detail {
/// The state behind a token, for what registers with it.
struct stop_access {
  static stop_block* block_of(const stop_token& t) noexcept { return t.block_; }
  static stop_block* take(stop_token& t) noexcept { return std::exchange(t.block_, nullptr); }  ///< with its reference
};
}  // namespace detail

}  // namespace weft::inline v0
