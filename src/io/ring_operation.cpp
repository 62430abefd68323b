// Operations on a descriptor that a ring makes whole. The fiber is linked with the descriptor, too, so that a close ends
// its wait.
#include <cerrno>  // error numbers

#include "io/operation.hpp"

namespace weft::inline v0::detail {
namespace {

// What tests plan for a call holds when a ring makes it.
os::fault planned_for(const ring_entry& entry) noexcept {
  switch (entry.call) {
    case ring_call::poll:
      return os::planned_fault(os::call::poll, entry.fd);
    case ring_call::recv:
      return os::planned_fault(os::call::recv, entry.fd);
    case ring_call::accept:
      return os::planned_fault(os::call::accept, entry.fd);
    default:
      return {};  // not of descriptors that are waited for
  }
}

}  // namespace

os::result descriptor_operation::perform(ring& on, ring_entry entry, time_limit& limit, const char* what) {
  waited_ = true;
  const time_point deadline = limit.deadline();
  if (const os::fault planned = planned_for(entry); planned.error != 0) [[unlikely]] {
    return {-1, planned.error};
  } else if (planned.limit < entry.size) [[unlikely]] {
    entry.size = static_cast<std::uint32_t>(planned.limit);
  }
  waiter w{point::yes, what};
  if (const int error = link(w, woken_by::ring); error != 0) {
    w.abandon();
    return {-1, error};
  }
  ring_request request(entry);
  request.owner = &w;
  const int refused = on.begin(request);
  const wake why = refused == 0 ? w.park(deadline, what) : w.abandon();
  unlink(w, woken_by::ring);
  request.owner = nullptr;
  if (refused != 0) {
    return {-1, why == wake::closed ? ECANCELED : refused};
  }
  give_up(on, request, what);
  // Also when it came too late for the wait: what was done is not thrown away. Of a poll there is nothing to keep.
  const bool in_time = why == wake::notified || entry.call != ring_call::poll;
  if (in_time && request.result.error != ECANCELED) {
    has_token_ = request.result.ok();  // there may be more
    return request.result;
  }
  if (why == wake::stopped) {
    throw_cancelled(what);
  }
  return {-1, why == wake::timed_out ? ETIMEDOUT : ECANCELED};
}

}  // namespace weft::inline v0::detail
