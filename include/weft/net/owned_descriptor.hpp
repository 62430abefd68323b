/// \file   weft/net/owned_descriptor.hpp
/// \brief  The owner of a descriptor that came from another process.
#pragma once
#include <cstddef>  // size_t
#include <utility>  // exchange

#include <weft/base/config.hpp>  // WEFT_EXPORT

namespace weft::inline v0::net {

/// Move-only; closes what it owns. A plain value: threads as for an int. Never suspends, as far as close(2) does not block.
class WEFT_EXPORT owned_descriptor {
 public:
  owned_descriptor() noexcept = default;  ///< owns nothing
  explicit owned_descriptor(int fd) noexcept : fd_(fd) {}
  owned_descriptor(owned_descriptor&& from) noexcept : fd_(from.release()) {}
  owned_descriptor& operator=(owned_descriptor&& from) noexcept {
    reset(from.release());
    return *this;
  }
  ~owned_descriptor() { reset(); }

  /// The number, or -1.
  [[nodiscard]] int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  /// The number, which the caller owns from now on; for from_native() of a socket, which takes it over.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  /// Closes what it owns and owns `fd`.
  void reset(int fd = -1) noexcept;

 private:
  int fd_ = -1;
};

/// What came by receive_descriptors().
struct received_descriptors {
  std::size_t size = 0;         ///< bytes in the buffer; of a stream 0 is the end, unless the buffer has no room
  std::size_t descriptors = 0;  ///< how many of the owners were filled, from the first on
  bool truncated = false;       ///< a datagram was longer than the buffer
  bool lost = false;            ///< more descriptors were sent than there were owners, or than the table had room for
};

}  // namespace weft::inline v0::net
