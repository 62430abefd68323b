// The owner of a descriptor, for public headers.
#include <weft/io/descriptor.hpp>

#include "io/descriptor_slot.hpp"

namespace weft::inline v0::detail {

std::error_code descriptor::close() noexcept { return close_descriptor(handle_); }

int descriptor::native() const noexcept {
  if (handle_.slot == nullptr) {
    return -1;
  }
  descriptor_slot& slot = *handle_.slot;
  slot.lock.lock();
  const int fd = slot.generation == handle_.generation && !slot.closing ? slot.fd : -1;
  slot.lock.unlock();
  return fd;
}

}  // namespace weft::inline v0::detail
