/// \file   weft/sync/async.hpp
/// \brief  async(): a fiber whose result goes to a future.
#pragma once
#include <concepts>      // same_as
#include <future>        // launch
#include <memory>        // unique_ptr
#include <optional>      // optional
#include <system_error>  // system_error
#include <type_traits>   // decay
#include <utility>       // forward

#include <weft/fiber/closure.hpp>       // closure
#include <weft/sched/spawn_seam.hpp>    // begin_spawn, commit_spawn
#include <weft/sync/basic_future.hpp>   // future
#include <weft/sync/shared_result.hpp>  // the shared state

namespace weft::inline v0 {
namespace detail {

template <class R, class Closure>
struct async_state final : shared_value<R> {
  template <class... X>
  explicit async_state(std::launch how, X&&... x)
      : shared_value<R>(how == std::launch::async ? &wait_and_dispose : &dispose,
                        how == std::launch::async ? nullptr : &run),
        body(std::in_place, std::forward<X>(x)...) {}
  static void run(shared_result& s) noexcept {
    auto& self = static_cast<async_state&>(s);
    self.store_or_catch([&]() -> R { return self.body->run(); });
    self.body.reset();  // captures end before anybody sees the outcome
    self.publish();     // the last touch
  }
  static void dispose(shared_result& s) noexcept { delete static_cast<async_state*>(&s); }
  // The fiber holds no reference: whoever drops the last one waits for it.
  static void wait_and_dispose(shared_result& s) noexcept {
    s.wait_shielded();
    dispose(s);
  }
  std::optional<Closure> body;
};

/// A record that gets its fiber, or is given back.
struct spawning {
  fiber_record* record;
  ~spawning() {
    if (record != nullptr) abort_spawn(*record);
  }
};

template <class F, class... A>
using async_result = std::invoke_result_t<std::decay_t<F>, std::decay_t<A>...>;

template <class F, class... A>
future<async_result<F, A...>> async_in_fiber(void* site, F&& f, A&&... a) {
  using state = async_state<async_result<F, A...>, closure<std::decay_t<F>, std::decay_t<A>...>>;
  spawning fresh{&begin_spawn(site)};  // first: outside a fiber nothing is moved from
  auto made = std::make_unique<state>(std::launch::async, std::forward<F>(f), std::forward<A>(a)...);
  fiber_record& r = *std::exchange(fresh.record, nullptr);
  emplace_closure(r, nullptr, [s = made.get()] { state::run(*s); });
  shared_result* const started = made.release();
  commit_spawn(r);
  detach_record(r);
  return future_access::adopt(static_cast<shared_value<async_result<F, A...>>*>(started));
}

template <class F, class... A>
future<async_result<F, A...>> async_deferred(F&& f, A&&... a) {
  using state = async_state<async_result<F, A...>, closure<std::decay_t<F>, std::decay_t<A>...>>;
  return future_access::adopt<async_result<F, A...>>(
      new state(std::launch::deferred, std::forward<F>(f), std::forward<A>(a)...));
}

}  // namespace detail

/// Runs `f(args...)` (decayed copies) as a new fiber of the calling fiber's runtime; the future gets its result or
/// exception. As std::async: the last future of it waits in its destructor, and does not stop the fiber. Does not suspend.
/// Cost: one allocation, for function, arguments and result, and a spawn.
/// \throws std::system_error operation_not_permitted: not called inside a fiber; std::bad_alloc; what copying throws.
template <class F, class... A>
requires(!std::same_as<std::decay_t<F>, std::launch>) [[nodiscard, gnu::noinline]] auto async(F&& f, A&&... args) {
  return detail::async_in_fiber(__builtin_return_address(0), std::forward<F>(f), std::forward<A>(args)...);
}
/// With std::launch::deferred alone, `f` runs in the first fiber or thread that waits for it without a deadline, and makes
/// no fiber; it may then be called anywhere. It runs under a cancel_shield: a stop of that fiber, or a deadline around the
/// wait, ends the wait only before the function has begun, and never becomes the outcome. Otherwise as above.
/// \throws also std::system_error invalid_argument: a policy of neither.
template <class F, class... A>
[[nodiscard, gnu::noinline]] auto async(std::launch policy, F&& f, A&&... args) {
  if ((policy & std::launch::async) == std::launch::async)
    return detail::async_in_fiber(__builtin_return_address(0), std::forward<F>(f), std::forward<A>(args)...);
  if (policy != std::launch::deferred) {
    throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                            "weft::async: a launch policy that is neither async nor deferred");
  }
  return detail::async_deferred(std::forward<F>(f), std::forward<A>(args)...);
}

}  // namespace weft::inline v0
