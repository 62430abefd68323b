// Waiting for requests: the part of it that knows no descriptor's slot.
#include "io/ring.hpp"

#include "io/worker_poller.hpp"
#include "sched/poller.hpp"

namespace weft::inline v0::detail {

ring* current_ring(ring_call call) noexcept { return ring_of(current_worker(), call); }

void give_up(ring& on, ring_request& request, const char* what) noexcept {
  bool asked = false;
  while (!request.ended) {
    asked = asked || on.cancel(request) == 0;
    if (request.ended) {
      return;  // cancel() made room by looking at what has ended
    }
    waiter w{point::no, what};
    request.owner = &w;
    // No room to ask, which the next rounds will make: look again soon. Else there is nothing left but to wait.
    w.park(asked ? no_deadline : now() + std::chrono::milliseconds(1), what);
    request.owner = nullptr;
  }
}

int wait_for_events(ring& on, int fd, std::uint32_t events, time_point deadline, const char* what) {
  ring_request request({.call = ring_call::poll, .fd = fd, .flags = events});
  waiter w{point::yes, what};
  request.owner = &w;
  if (const int error = on.begin(request); error != 0) {
    w.abandon();
    return error;
  }
  const wake why = w.park(deadline, what);
  request.owner = nullptr;
  give_up(on, request, what);
  if (request.result.ok()) {
    return 0;
  }
  if (why == wake::stopped) {
    throw_cancelled(what);
  }
  return why == wake::timed_out ? ETIMEDOUT : request.result.error;
}

}  // namespace weft::inline v0::detail
