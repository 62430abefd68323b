// Setting up rings, and finding out what they can do.
#include <cerrno>  // error numbers

#include "base/debug_log.hpp"
#include "io/os.hpp"
#include "io/uring_backend.hpp"
#include "sched/poller.hpp"  // why_no_uring

namespace weft::inline v0::detail {
namespace {

// Requests that are queued between two polls: one round of a worker runs for some 50 us, which is hundreds of them.
// More than that are handed over in between.
constexpr unsigned entries = 256;
// What ends in between and finds no room waits in the kernel, on a slower path.
constexpr unsigned completions = 2048;

// From the best to the plainest. Kernel 6.1 ends requests when the ring's own thread asks for it, 5.19 when that thread
// next enters the kernel for anything, and older ones interrupt it.
constexpr unsigned ways[] = {
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL,
    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL,
    0,
};

// Nothing is ever dropped when the completions' room is full, and waiting takes a time limit (5.11).
constexpr unsigned needed_features = IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG;

// What the kernel calls our calls, in their order.
constexpr io_uring_op opcodes[ring_calls] = {
    IORING_OP_POLL_ADD, IORING_OP_RECV,   IORING_OP_ACCEPT, IORING_OP_READV,    IORING_OP_WRITEV,   IORING_OP_FSYNC,
    IORING_OP_STATX,    IORING_OP_OPENAT, IORING_OP_CLOSE,  IORING_OP_RENAMEAT, IORING_OP_UNLINKAT, IORING_OP_MKDIRAT,
};

int opcode_of(ring_call call) noexcept { return opcodes[static_cast<unsigned>(call)]; }

struct abilities {
  int error = 0;          // why there is no ring at all
  bool deferred = false;  // the best way is known
  bool known[ring_calls] = {};
};

int probe_with(io_uring& trial, abilities& found) noexcept {
  io_uring_probe* const probe = io_uring_get_probe_ring(&trial);
  if (probe == nullptr) {
    return ENOSYS;  // before 5.6
  }
  for (unsigned i = 0; i < ring_calls; ++i) {
    found.known[i] = io_uring_opcode_supported(probe, opcode_of(static_cast<ring_call>(i))) != 0;
  }
  const bool enough = io_uring_opcode_supported(probe, IORING_OP_ASYNC_CANCEL) != 0;
  io_uring_free_probe(probe);
  return enough ? 0 : ENOSYS;
}

abilities look() noexcept {
  abilities found;
  io_uring trial;
  found.error = open_uring(trial);
  if (found.error == 0) {
    found.deferred = (trial.flags & IORING_SETUP_DEFER_TASKRUN) != 0;
    found.error = probe_with(trial, found);
    io_uring_queue_exit(&trial);
  }
  return found;
}

const abilities& known() noexcept {
  static const abilities found = look();
  return found;
}

}  // namespace

int open_uring(io_uring& made) noexcept {
  if (const os::fault planned = os::planned_fault(os::call::uring_setup, -1); planned.error != 0) [[unlikely]] {
    return planned.error;
  }
  int error = EINVAL;
  for (const unsigned way : ways) {
    io_uring_params how{};
    how.flags = way | IORING_SETUP_CQSIZE;
    how.cq_entries = completions;
    error = -io_uring_queue_init_params(entries, &made, &how);
    if (error == 0 && (how.features & needed_features) != needed_features) {
      io_uring_queue_exit(&made);
      return ENOSYS;
    }
    if (error != EINVAL) {
      break;
    }
  }
  return error;
}

bool uring_has(ring_call call) noexcept {
  const int opcode = opcode_of(call);
  return known().known[static_cast<unsigned>(call)] && os::planned_fault(os::call::uring_probe, opcode).error == 0;
}

int why_no_uring() noexcept {
  if (const os::fault planned = os::planned_fault(os::call::uring_setup, -1); planned.error != 0) [[unlikely]] {
    return planned.error;
  }
  return known().error;
}

bool uring_is_first_choice() noexcept { return why_no_uring() == 0 && known().deferred; }

}  // namespace weft::inline v0::detail
