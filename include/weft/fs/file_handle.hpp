/// \file   weft/fs/file_handle.hpp
/// \brief  Ownership of the number of an open file, which stays open while an operation uses it. Private to weft; public
///         only because fs::file holds it by value.
#pragma once
#include <cstdint>       // uint32_t
#include <system_error>  // error_code
#include <utility>       // exchange

#include <weft/base/atomic.hpp>
#include <weft/base/config.hpp>  // WEFT_EXPORT

namespace weft::inline v0::detail {

/// Threads: enter(), leave(), close() and native() may run at the same time; moves and the destructor may not.
class WEFT_EXPORT file_handle {
 public:
  file_handle() noexcept = default;
  explicit file_handle(int fd) noexcept : fd_(fd), word_(0) {}
  file_handle(file_handle&& from) noexcept : fd_(std::exchange(from.fd_, -1)) {
    word_.store(from.word_.exchange(closed, memory_order_relaxed), memory_order_relaxed);  // relaxed: nobody else looks
  }
  file_handle& operator=(file_handle&& from) noexcept {
    if (this != &from) {
      close();
      fd_ = std::exchange(from.fd_, -1);
      word_.store(from.word_.exchange(closed, memory_order_relaxed), memory_order_relaxed);  // relaxed: as above
    }
    return *this;
  }
  ~file_handle() { close(); }

  /// Keeps the number open until leave(). \return it, or -1 when closed
  int enter() noexcept;
  /// May close the number, and suspends then; no cancellation point.
  void leave() noexcept;

  /// Operations inside go on, later ones find it closed; the last one inside closes the number. Suspends while closing it
  /// here; no cancellation point. A repeated call does nothing. \return what close(2) said, if it ran here
  std::error_code close() noexcept;

  /// The number, or -1 when closed.
  int native() const noexcept {
    return (word_.load(memory_order_relaxed) & closed) == 0 ? fd_ : -1;  // relaxed: stale as soon as it is told
  }

 private:
  // | bits  | meaning                          | who changes them                              |
  // |-------|----------------------------------|-----------------------------------------------|
  // | 0..30 | operations inside                | enter() while bit 31 is clear, leave()        |
  // | 31    | closed, or never open            | close(), once                                 |
  // Who takes the word to {closed, nobody inside} closes the number.
  static constexpr std::uint32_t closed = 1U << 31;

  int fd_ = -1;
  atomic<std::uint32_t> word_{closed};
};

/// An operation's stay inside.
class file_use {
 public:
  explicit file_use(file_handle& file) noexcept : file_(file), fd_(file.enter()) {}
  ~file_use() {
    if (fd_ >= 0) file_.leave();
  }
  file_use(const file_use&) = delete;
  file_use& operator=(const file_use&) = delete;
  int fd() const noexcept { return fd_; }

 private:
  file_handle& file_;
  int fd_;
};

}  // namespace weft::inline v0::detail
