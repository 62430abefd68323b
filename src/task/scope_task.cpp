// The library calls behind scope's templates.
#include <weft/task/scope_task.hpp>

#include <system_error>  // system_error

#include "fiber/failure.hpp"
#include "fiber/join_word.hpp"
#include "sched/park_word.hpp"

namespace weft::inline v0::detail {

void adopt_child(stop_scope& in, stop_child& c, fiber_record& r, bool kept) noexcept {
  r.options |= option_scoped;
  c.kept = kept;
  if (!kept) r.join.store(join_detached, memory_order_relaxed);  // relaxed: published with the record
  in.enter(c, r);
}

void note_escaped(stop_child& c) noexcept {
  std::exception_ptr e = std::current_exception();
  // Of a fork that was stopped by its handle whoever did that knows. Any other child that was stopped while the scope was
  // not has left its work undone: join() must not return as if it had been done.
  if (is_cancellation(e)) {
    if (c.in->expects_cancelled() || (c.kept && park_word<>::stopped(c.record->park.word))) return;
  }
  c.in->fail(std::move(e));
}

void note_never_ran(stop_child& c) noexcept {
  c.in->fail(std::make_exception_ptr(std::system_error(std::make_error_code(std::errc::not_enough_memory),
                                                       "weft: no stack could be had for the child of a scope")));
}

void report_unjoined(const std::exception_ptr& e) noexcept {
  // Work was left undone, but nothing has gone wrong: a runtime that ends may reach a child before its scope.
  if (is_cancellation(e)) return;
  report_failure(failure{e}, "failed in a scope that nobody joined");
}

}  // namespace weft::inline v0::detail
