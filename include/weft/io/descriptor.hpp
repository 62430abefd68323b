/// \file   weft/io/descriptor.hpp
/// \brief  Ownership of an open file descriptor that fibers and threads wait for. Private to weft; public only because
///         sockets hold it by value.
#pragma once
#include <cstdint>       // uint32_t
#include <system_error>  // error_code
#include <utility>       // exchange

#include <weft/base/config.hpp>  // WEFT_EXPORT

namespace weft::inline v0::detail {

struct descriptor_slot;

/// Names one use of a pooled slot. A handle that outlives its descriptor names nothing: the generations differ.
struct descriptor_handle {
  descriptor_slot* slot = nullptr;
  std::uint32_t generation = 0;
};

/// Owner of a descriptor; closes it when destroyed.
/// Threads: handle(), native() and close() may run at the same time; moves and the destructor may not.
class WEFT_EXPORT descriptor {
 public:
  descriptor() noexcept = default;
  explicit descriptor(descriptor_handle handle) noexcept : handle_(handle) {}
  descriptor(descriptor&& from) noexcept : handle_(std::exchange(from.handle_, {})) {}
  descriptor& operator=(descriptor&& from) noexcept {
    if (this != &from) {
      close();
      handle_ = std::exchange(from.handle_, {});
    }
    return *this;
  }
  ~descriptor() { close(); }

  /// Operations that wait end with operation_canceled, later ones with bad_file_descriptor; the number is closed by the
  /// last operation that leaves. Never suspends; a repeated call does nothing. \return what close(2) said, if it ran here.
  std::error_code close() noexcept;

  /// The number, or -1 when closed.
  int native() const noexcept;

  descriptor_handle handle() const noexcept { return handle_; }

 private:
  descriptor_handle handle_;
};

}  // namespace weft::inline v0::detail
