// Forks: unstarted fibers that their spawner takes back, or waits for.
#include <weft/task/parallel.hpp>

#include <weft/fiber/cancelled.hpp>

#include "fiber/failure.hpp"
#include "sched/fiber_end.hpp"
#include "sched/runtime_impl.hpp"
#include "sched/worker.hpp"

namespace weft::inline v0::detail {

bool take_back(fiber_record& r) noexcept {
  worker& w = *current_worker();
  if (w.take_newest([&](const fiber_record& newest) { return &newest == &r; }) == nullptr) return false;
  bump(w.finished);
  free_unstarted(r);
  return true;
}

void join_fork(fiber_record& r) {
  try {
    join_wait(r, no_deadline, false);
  } catch (const cancelled&) {
    abandon_fork(r);
    throw;
  }
  if (r.outcome == fiber_outcome::exception) rethrow_failure(r);
  release_record(r);
}

void abandon_fork(fiber_record& r) noexcept {
  if (take_back(r)) return;
  request_stop(r);
  join_wait(r, no_deadline, true);
  if (r.outcome == fiber_outcome::exception) take_failure(r);  // something else has failed first
  release_record(r);
}

std::ptrdiff_t pieces_wanted() noexcept {
  constexpr std::ptrdiff_t per_worker =
      128;  // enough for pieces of unequal cost, few enough for pieces of a microsecond
  const worker* w = current_worker();
  return w == nullptr ? 1 : per_worker * static_cast<std::ptrdiff_t>(w->rt->workers.size());
}

}  // namespace weft::inline v0::detail
