/// \file   weft/sched/runtime.hpp
/// \brief  A runtime: worker threads that run fibers.
#pragma once
#include <cstddef>  // size_t
#include <memory>   // unique_ptr
#include <utility>  // forward

#include <weft/sched/crash_reports.hpp>  // installed by run()
#include <weft/sched/fiber.hpp>          // fiber

namespace weft::inline v0 {

enum class io_backend { automatic, uring, epoll };

/// Each also from the environment: WEFT_WORKERS, WEFT_STACK_SIZE, WEFT_IO=uring|epoll, WEFT_MIGRATE=pinned|free.
/// A set variable overrides the program; a bad one is an error, not a guess.
/// WEFT_CHAOS=<seed>[:probability] disturbs the order of the threads, for tests.
struct runtime_options {
  unsigned workers = 0;                 ///< 0: the CPUs this process may use (affinity and cgroup quota respected)
  std::size_t stack_size = 256 * 1024;  ///< bytes of address space per fiber, 16 KiB to 64 MiB
  io_backend io = io_backend::automatic;
  migration migrate = migration::pinned;
};

/// Several may live side by side.
/// Threads: all members may be called from any thread at the same time, except the destructor.
class WEFT_EXPORT runtime {
 public:
  /// Starts the workers. \throws std::invalid_argument (options), std::system_error (threads, unsupported backend)
  explicit runtime(runtime_options options = {});
  runtime(detail::adopt_runtime, detail::runtime_impl* made) noexcept : impl_(made) {}  ///< used by weft
  /// Requests stop of everything, detached fibers too, and waits for it; a fiber that ignores stop for long is reported
  /// by name. \pre not called on one of its own fibers (checked). In a fiber of another runtime it blocks that worker's
  /// thread: leave nothing running that needs a fiber there.
  ~runtime();
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;

  /// Runs `main` as a fiber, blocks the calling thread until it is done, returns its result or rethrows.
  /// Called inside a fiber of any runtime it parks that fiber.
  template <class F>
  decltype(auto) run(F&& main) {
    return spawn(std::forward<F>(main)).join();
  }
  /// From any thread. After request_stop() the new fiber is born stopped. \throws std::bad_alloc
  template <class F, class... A>
  requires(!std::is_same_v<std::decay_t<F>, fiber_options>)
      [[nodiscard, gnu::noinline]] auto spawn(F&& f, A&&... args) {
    return spawn_with(nullptr, __builtin_return_address(0), std::forward<F>(f), std::forward<A>(args)...);
  }
  template <class F, class... A>
  [[nodiscard, gnu::noinline]] auto spawn(const fiber_options& options, F&& f, A&&... args) {
    return spawn_with(&options, __builtin_return_address(0), std::forward<F>(f), std::forward<A>(args)...);
  }
  /// Asks every live fiber, and those spawned later, to stop.
  void request_stop() noexcept;
  [[nodiscard]] unsigned workers() const noexcept;
  [[nodiscard]] static runtime* current() noexcept;  ///< null outside a fiber

 private:
  template <class F, class... A>
  auto spawn_with(const fiber_options* options, void* site, F&& f, A&&... a) {
    detail::fiber_record& r = detail::begin_spawn_on(*impl_, site);
    detail::emplace_closure(r, options, std::forward<F>(f), std::forward<A>(a)...);
    detail::commit_spawn_on(*impl_, r);
    return fiber<detail::spawn_result<F, A...>>(&r);
  }
  detail::runtime_impl* impl_;
};

/// A runtime for the length of `main`.
template <class F>
decltype(auto) run(const runtime_options& options, F&& main) {
  detail::install_crash_reports_by_default();
  runtime r(options);
  return r.run(std::forward<F>(main));
}
template <class F>
requires(!std::is_same_v<std::decay_t<F>, runtime_options>) decltype(auto) run(F&& main) {
  return weft::run(runtime_options{}, std::forward<F>(main));
}

}  // namespace weft::inline v0
