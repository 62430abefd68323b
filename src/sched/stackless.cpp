// Fibers that found no stack. They wait, in the order in which they came, until one is returned or the system has memory
// again; when neither can be hoped for, their joins say so.
#include <chrono>        // milliseconds
#include <exception>     // make_exception_ptr
#include <system_error>  // system_error

#include <weft/fiber/closure.hpp>  // option_placed

#include "fiber/failure.hpp"
#include "sched/fiber_end.hpp"
#include "sched/runtime_impl.hpp"
#include "sched/worker.hpp"

namespace weft::inline v0::detail {
namespace {

// How long free stacks in the caches of other workers, which were woken to give them up, may take to arrive. Generous: a
// worker in the middle of a long computation is not waited for, its stack counts as in use.
constexpr auto patience = std::chrono::milliseconds(100);

}  // namespace

// The first one of a shortage wakes the workers that sleep: their caches may hold stacks, and only they can give them up.
void worker::wait_for_stack(fiber_record& r) noexcept {
  if (stackless == nullptr) {
    r.next = &r;
    stackless_since = rt->now();
    rt->wake_all();
  } else {
    r.next = stackless->next;
    stackless->next = &r;
  }
  stackless = &r;
}

void worker::take_off_stackless(fiber_record& first) noexcept {
  if (stackless == &first) {
    stackless = nullptr;
  } else {
    stackless->next = first.next;
  }
}

// Up to the first one for which there is none: each attempt in vain is several system calls, and the next round comes
// soon. That one goes to the end, so that those who need stacks of another size get their turn.
void worker::retry_stackless() noexcept {
  while (stackless != nullptr) {
    fiber_record* const r = stackless->next;
    if (try_bind(*r)) {
      take_off_stackless(*r);
      stackless_since = rt->now();
      ready.push(*r);
    } else if (rt->stacks_in_use() == 0 && (rt->driven || rt->now() - stackless_since >= patience)) {
      take_off_stackless(*r);
      fail_without_stack(*r);
    } else {
      stackless = r;
      return;
    }
  }
}

// Its closure is destroyed here, on the scheduler's stack: what it holds must not wait in its destructor.
void worker::fail_without_stack(fiber_record& r) noexcept {
  if ((r.options & option_placed) != 0) unplace(r);
  r.ops->destroy_closure(r);
  store_failure(r,
                std::make_exception_ptr(std::system_error(std::make_error_code(std::errc::not_enough_memory),
                                                          "weft: no stack could be had for a fiber")),
                "");
  publish_end(r, *this);
}

}  // namespace weft::inline v0::detail
