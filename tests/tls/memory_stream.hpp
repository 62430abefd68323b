// A stream between two ends in memory, which fibers read and write as if it blocked. It hands out a few bytes at a time, and
// looks, whenever it could suspend its caller, whether OpenSSL's queue of errors is empty.
#pragma once
#include <algorithm>  // min
#include <cstddef>    // byte, size_t
#include <cstring>    // memcpy
#include <deque>      // deque
#include <limits>     // numeric_limits
#include <memory>     // shared_ptr
#include <mutex>      // unique_lock
#include <span>       // span
#include <system_error>

#include <openssl/err.h>  // ERR_peek_error

#include <gtest/gtest.h>
#include <weft/sync/condition_variable.hpp>
#include <weft/sync/mutex.hpp>

namespace weft_test {

class memory_pipe {
 public:
  explicit memory_pipe(std::size_t room = std::numeric_limits<std::size_t>::max()) : room_(room) {}

  std::size_t read_some(std::span<std::byte> into, std::size_t most) {
    expect_no_errors();
    std::unique_lock guard(lock_);
    changed_.wait(guard, [this] { return ended_ || (!held_ && limit_ > 0 && !bytes_.empty()); });
    const std::size_t n = ended_ && limit_ < bytes_.size() ? 0 : std::min({into.size(), most, limit_, bytes_.size()});
    limit_ -= n;
    std::copy_n(bytes_.begin(), n, into.begin());
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(n));
    changed_.notify_all();
    return n;
  }
  std::size_t write_some(std::span<const std::byte> from, std::size_t most) {
    expect_no_errors();
    std::unique_lock guard(lock_);
    changed_.wait(guard, [this] { return ended_ || bytes_.size() < room_; });
    const std::size_t n = ended_ ? 0 : std::min({from.size(), most, room_ - bytes_.size()});
    bytes_.insert(bytes_.end(), from.begin(), from.begin() + static_cast<std::ptrdiff_t>(n));
    written_ += n;
    changed_.notify_all();
    return n;
  }
  void end() {
    const std::lock_guard guard(lock_);
    ended_ = true;
    changed_.notify_all();
  }
  // Readers get so many bytes more, and then wait.
  void limit(std::size_t bytes) {
    const std::lock_guard guard(lock_);
    limit_ = bytes;
    changed_.notify_all();
  }
  // Readers wait although there are bytes.
  void hold(bool on) {
    const std::lock_guard guard(lock_);
    held_ = on;
    changed_.notify_all();
  }
  // The next to be read is no longer what was written.
  void spoil() {
    const std::lock_guard guard(lock_);
    ASSERT_FALSE(bytes_.empty());
    bytes_.back() ^= std::byte{0x40};
  }
  void keep_only(std::size_t n) {
    const std::lock_guard guard(lock_);
    bytes_.resize(std::min(n, bytes_.size()));
  }
  std::size_t waiting() {
    const std::lock_guard guard(lock_);
    return bytes_.size();
  }
  std::size_t written() {
    const std::lock_guard guard(lock_);
    return written_;
  }

 private:
  static void expect_no_errors() { EXPECT_EQ(ERR_peek_error(), 0U) << "another fiber would see this error"; }
  weft::mutex lock_;
  weft::condition_variable changed_;
  std::deque<std::byte> bytes_;
  std::size_t written_ = 0, limit_ = std::numeric_limits<std::size_t>::max();
  const std::size_t room_;
  bool ended_ = false, held_ = false;
};

// One end. The pipes outlive it, so that the other may go on.
struct memory_stream {
  std::shared_ptr<memory_pipe> in, out;
  std::size_t most = std::numeric_limits<std::size_t>::max();  // bytes of one operation

  std::size_t read_some(std::span<std::byte> into, std::error_code& error) {
    error.clear();
    return in->read_some(into, most);
  }
  std::size_t write_some(std::span<const std::byte> from, std::error_code& error) {
    const std::size_t n = out->write_some(from, most);
    error = n == 0 ? std::make_error_code(std::errc::broken_pipe) : std::error_code{};
    return n;
  }
};

struct memory_ends {
  memory_stream client, server;
};
inline memory_ends connected_in_memory(std::size_t most = std::numeric_limits<std::size_t>::max(),
                                       std::size_t room = std::numeric_limits<std::size_t>::max()) {
  const auto up = std::make_shared<memory_pipe>(room), down = std::make_shared<memory_pipe>(room);
  return {{down, up, most}, {up, down, most}};
}

}  // namespace weft_test
