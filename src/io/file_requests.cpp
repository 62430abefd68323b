// The file system calls as requests of a ring.
#include "io/file_requests.hpp"

#include <cerrno>  // EOPNOTSUPP

#include "sched/poller.hpp"  // on_worker
#include <weft/base/atomic.hpp>

namespace weft::inline v0::detail::file_calls {
namespace {

atomic<bool> lacks_no_signal{false};

os::call call_of(ring_call call) noexcept {
  switch (call) {
    case ring_call::read:
      return os::call::read;
    case ring_call::write:
      return os::call::write;
    case ring_call::sync:
      return os::call::sync;
    case ring_call::status:
      return os::call::status;
    case ring_call::open:
      return os::call::open;
    case ring_call::rename:
      return os::call::rename;
    case ring_call::unlink:
      return os::call::unlink;
    case ring_call::make_directory:
      return os::call::make_directory;
    default:
      return os::call::close;
  }
}

// \return false: it was not begun
bool await_end(ring& on, ring_request& request, const char* what) noexcept {
  waiter w{point::no, what};
  request.owner = &w;
  if (on.begin(request) != 0) {
    w.abandon();
    return false;
  }
  w.park(no_deadline, what);
  return true;
}

}  // namespace

bool on_ring(const char* what, const ring_entry& entry, os::result& got) noexcept {
  ring* const on = on_worker() ? current_ring(entry.call) : nullptr;
  const bool is_write = entry.call == ring_call::write;
  // relaxed: a cached fact, rediscovered by whoever misses it
  if (on == nullptr || (is_write && lacks_no_signal.load(memory_order_relaxed))) {
    return false;
  }
  ring_entry asked = entry;
  iovec part{};
  if (const os::fault planned = os::planned_fault(call_of(entry.call), entry.fd); planned.error != 0) [[unlikely]] {
    got = {-1, planned.error};
    return true;
  } else if (planned.limit != os::fault{}.limit && entry.size != 0) [[unlikely]] {
    part = os::first_bytes(static_cast<const iovec*>(entry.data), static_cast<int>(entry.size), planned.limit);
    asked.data = &part;
    asked.size = 1;
  }
  ring_request request(asked);
  if (!await_end(*on, request, what)) {
    return false;
  }
  got = request.result;
  if (is_write && got.error == EOPNOTSUPP) {
    lacks_no_signal.store(true, memory_order_relaxed);  // relaxed: see the load
    return false;
  }
  return true;
}

}  // namespace weft::inline v0::detail::file_calls
