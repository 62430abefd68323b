// Built instead of the other uring_*.cpp where liburing is missing.
#include <cerrno>  // ENOSYS

#include "io/poll_backend.hpp"
#include "sched/poller.hpp"

namespace weft::inline v0::detail {

std::unique_ptr<poll_backend> make_uring_backend(int /*wake_fd*/, int& error) noexcept {
  error = ENOSYS;
  return nullptr;
}

int why_no_uring() noexcept { return ENOSYS; }
bool uring_is_first_choice() noexcept { return false; }

}  // namespace weft::inline v0::detail
