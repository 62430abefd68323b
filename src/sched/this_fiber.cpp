// this_fiber: the running fiber, or on a plain thread the thread itself.
#include <weft/sched/this_fiber.hpp>

#include <pthread.h>  // pthread_getattr_np
#include <sched.h>    // sched_yield

#include <weft/fiber/cancelled.hpp>
#include <weft/sched/spawn_seam.hpp>

#include "base/check.hpp"
#include "fiber/block.hpp"
#include "fiber/thread_parker.hpp"
#include "sched/hot_path.hpp"
#include "sched/park_word.hpp"
#include "sched/runtime_impl.hpp"
#include "sched/worker.hpp"

namespace weft::inline v0 {

void detail::throw_if_stopped(const worker& here) {
  if (park_word<>::pending(here.current->park.word, fiber_stops_seen(here), frame_stops_seen(here))) {
    throw_cancelled("check_stop");
  }
}

namespace {

detail::fiber_record* running() noexcept {
  detail::worker* w = detail::current_worker();
  return w == nullptr ? nullptr : w->current;
}

}  // namespace

namespace this_fiber {

void yield() {
  detail::worker* w = detail::current_worker();
  if (w == nullptr) {
    ::sched_yield();
    return;
  }
  w->yield_running();
}

fiber_id get_id() noexcept {
  if (const auto* r = running(); r != nullptr) return detail::id_of(*r);
  return {&detail::this_thread_parker(), 0};
}

std::string_view name() noexcept {
  const auto* r = running();
  return r == nullptr ? std::string_view{} : std::string_view(r->block->name);
}

void set_name(std::string_view name) noexcept {
  auto* r = running();
  if (r == nullptr) return;
  char(&to)[32] = r->block->name;
  const std::size_t n = name.copy(to, sizeof to - 1);
  to[n] = '\0';
}

void check_stop() { detail::check_stop_inline(detail::current_worker()); }

std::size_t stack_remaining() noexcept {
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  if (const auto* r = running(); r != nullptr) {
    const auto limit = reinterpret_cast<std::uintptr_t>(r->block->home_stack->limit);
    const auto top = reinterpret_cast<std::uintptr_t>(r->block->home_stack->top());
    return here >= limit && here < top ? here - limit
                                       : 0;  // 0: on the stack of a coroutine, whose bounds are not known here
  }
  pthread_attr_t attributes;
  if (::pthread_getattr_np(::pthread_self(), &attributes) != 0) return 0;
  void* lowest = nullptr;
  std::size_t bytes = 0;
  const bool known = ::pthread_attr_getstack(&attributes, &lowest, &bytes) == 0;
  ::pthread_attr_destroy(&attributes);
  return known ? here - reinterpret_cast<std::uintptr_t>(lowest) : 0;
}

bool is_fiber() noexcept { return running() != nullptr; }

void set_migration(migration /*m*/) noexcept {}  // a permission to move; this version never moves a started fiber

}  // namespace this_fiber

no_suspend::no_suspend(const char* why) noexcept {
  if (auto* r = running(); r != nullptr) detail::begin_no_suspend(*r, why);
}
no_suspend::~no_suspend() {
  if (auto* r = running(); r != nullptr) detail::end_no_suspend(*r);
}

}  // namespace weft::inline v0
