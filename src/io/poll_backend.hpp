// What a worker's poller works with: epoll, which tells when a call is worth trying, or a ring, which makes the call
// itself. Belongs to the thread that made it, from then until retire().
#pragma once
#include <cstdint>  // int64_t
#include <memory>   // unique_ptr

namespace weft::inline v0::detail {

class epoll_set;
class ring;

class poll_backend {
 public:
  poll_backend(const poll_backend&) = delete;
  poll_backend& operator=(const poll_backend&) = delete;
  virtual ~poll_backend() = default;

  // As poller::poll(). \return true: the wake descriptor was written to since the last time
  virtual bool poll(std::int64_t timeout_ns) noexcept = 0;
  // As poller::has_descriptors().
  virtual bool has_descriptors() const noexcept = 0;
  // As poller::retire(). Nothing is called afterwards but the destructor.
  virtual void retire() noexcept = 0;

  // One of the two, by kind; the other is null.
  epoll_set* set() const noexcept { return set_; }
  ring* requests() const noexcept { return requests_; }

 protected:
  explicit poll_backend(epoll_set& set) noexcept : set_(&set) {}
  explicit poll_backend(ring& requests) noexcept : requests_(&requests) {}

 private:
  epoll_set* set_ = nullptr;
  ring* requests_ = nullptr;
};

// Null with an errno in `error` when it cannot be had. `wake_fd`, an eventfd of the caller's, is watched for as long as it
// lives.
std::unique_ptr<poll_backend> make_epoll_backend(int wake_fd, int& error) noexcept;
std::unique_ptr<poll_backend> make_uring_backend(int wake_fd, int& error) noexcept;

// Rings of kernels before 6.1 interrupt their threads for what has ended, and had bugs; epoll does no worse there.
bool uring_is_first_choice() noexcept;

}  // namespace weft::inline v0::detail
