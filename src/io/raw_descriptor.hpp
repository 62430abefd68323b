// The number of a descriptor between the call that made it and the object that owns it.
#pragma once
#include <utility>  // exchange, move, swap

#include "io/descriptor_slot.hpp"  // open_descriptor
#include "io/os.hpp"
#include <weft/io/descriptor.hpp>

namespace weft::inline v0::detail {

// A number that no descriptor owns yet.
class raw_descriptor {
 public:
  explicit raw_descriptor(int fd) noexcept : fd_(fd) {}
  raw_descriptor(raw_descriptor&& from) noexcept : fd_(from.release()) {}
  raw_descriptor& operator=(raw_descriptor&& from) noexcept {
    raw_descriptor(std::move(from)).swap(*this);
    return *this;
  }
  ~raw_descriptor() {
    if (fd_ >= 0) {
      os::close(fd_);
    }
  }
  raw_descriptor(const raw_descriptor&) = delete;
  raw_descriptor& operator=(const raw_descriptor&) = delete;
  void swap(raw_descriptor& other) noexcept { std::swap(fd_, other.fd_); }
  int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }
  // \throws std::bad_alloc; the number is closed then.
  descriptor adopt(sharing reads = sharing::exclusive, bool ready = true) {
    descriptor owner(open_descriptor(fd_, reads, ready));
    fd_ = -1;
    return owner;
  }

 private:
  int fd_;
};

}  // namespace weft::inline v0::detail
