// Requests: whole operations that a ring of the kernel's performs while their fibers are parked.
//
// A request lies on its fiber's stack, its buffer wherever the fiber has it, and the kernel may touch both until the
// request has ended. So the fiber stays until then: one that gives up (a stop, a timeout, a close) asks for the early end
// of its request, on its own ring, and waits for it, uncancellably. A fiber stays on its worker, so all of this happens
// on one thread, and a request's fields need no order.
//
// | ended | owner | the request                                  | next                                   |
// |-------|-------|----------------------------------------------|----------------------------------------|
// | false | set   | is in the ring, its fiber parks or will      | ends; or the fiber gives up            |
// | false | other | was given up: the fiber waits for its end    | ends                                   |
// | true  | -     | has ended: `result` is what the call said    | the fiber reads it                     |
#pragma once
#include <cstdint>  // fixed-width integers

#include "io/os.hpp"
#include "sched/park.hpp"

namespace weft::inline v0::detail {

// What can be asked of a ring; the meaning of the fields is in src/io/uring_entry.cpp.
enum class ring_call : std::uint8_t {
  poll,
  recv,
  accept,
  read,
  write,
  sync,
  status,
  open,
  close,
  rename,
  unlink,
  make_directory,
};
inline constexpr unsigned ring_calls = 12;

struct ring_entry {
  ring_call call;
  int fd = -1;
  const void* data = nullptr;  // buffer, vector or path
  void* more = nullptr;        // where to
  std::uint32_t size = 0;      // bytes, or parts of a vector
  std::uint32_t flags = 0;
  std::int64_t offset = 0;
};

class ring_request {
 public:
  explicit ring_request(const ring_entry& what) noexcept : entry(what) {}
  ring_request(const ring_request&) = delete;
  ring_request& operator=(const ring_request&) = delete;

  // What the ring calls, on its own thread, when the kernel is done with the request.
  void end(std::int32_t value) noexcept {
    result = value < 0 ? os::result{-1, -value} : os::result{value, 0};
    ended = true;
    if (owner != nullptr && owner->claim(wake::notified)) {
      deliver(*owner);
    }
  }

  const ring_entry entry;
  os::result result;
  armed_wait* owner = nullptr;  // who is woken by the end
  bool ended = false;
};

class ring {
 public:
  virtual bool has(ring_call call) const noexcept = 0;  // the kernel knows it
  // Both queue only: the kernel sees it when the worker polls. \return 0, or why there is no room now.
  virtual int begin(ring_request& request) noexcept = 0;
  // Asks for the early end of a request that has begun. It ends anyway, with ECANCELED or with what it had done by then.
  virtual int cancel(ring_request& request) noexcept = 0;

 protected:
  ~ring() = default;
};

// The ring of the calling worker; null when it has none, or does not know the call. \pre on_worker()
ring* current_ring(ring_call call) noexcept;

// Waits, uncancellably, until the request has ended, after asking for that.
void give_up(ring& on, ring_request& request, const char* what) noexcept;

// Waits until `fd` is ready as `events` (of poll(2)) says, or has failed or hung up. 0, ETIMEDOUT, or an errno of the
// kernel's. A cancellation point. \throws weft::cancelled
int wait_for_events(ring& on, int fd, std::uint32_t events, time_point deadline, const char* what);

}  // namespace weft::inline v0::detail
