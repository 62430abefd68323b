/// \file   weft/sched/spawn_seam.hpp
/// \brief  The library calls behind the templates spawn(), fiber and runtime. Private to weft.
#pragma once
#include <chrono>  // steady_clock

#include <weft/fiber/closure.hpp>     // closure_ops
#include <weft/fiber/fiber_id.hpp>    // fiber_id
#include <weft/fiber/options.hpp>     // fiber_options
#include <weft/fiber/record.hpp>      // fiber_record
#include <weft/fiber/stop_token.hpp>  // stop_token

namespace weft::inline v0::detail {

class runtime_impl;
struct adopt_runtime {};  // a runtime object over what is made already

/// A record for a new fiber of the calling fiber's runtime. \throws std::system_error(operation_not_permitted) outside a
/// fiber, std::bad_alloc.
WEFT_EXPORT fiber_record& begin_spawn(void* site);
/// The same for `rt`, from any thread.
WEFT_EXPORT fiber_record& begin_spawn_on(runtime_impl& rt, void* site);
/// Checks the options and fills the spec. \throws std::invalid_argument
WEFT_EXPORT void apply_options(fiber_spec& spec, const fiber_options& options);
/// Makes the fiber runnable. The record holds its closure.
WEFT_EXPORT void commit_spawn(fiber_record& r) noexcept;
WEFT_EXPORT void commit_spawn_on(runtime_impl& rt, fiber_record& r) noexcept;
/// The closure's constructor threw.
WEFT_EXPORT void abort_spawn(fiber_record& r) noexcept;

/// Waits for the end of the fiber. \return false: the deadline passed. A cancellation point unless `shielded`.
WEFT_EXPORT bool join_wait(fiber_record& r, std::chrono::steady_clock::time_point deadline, bool shielded);
[[noreturn]] WEFT_EXPORT void throw_not_joinable();
WEFT_EXPORT void rethrow_failure(fiber_record& r);  ///< outcome is exception: takes it out, releases r and throws
WEFT_EXPORT void release_record(fiber_record& r) noexcept;  ///< the result was taken
WEFT_EXPORT void stop_and_join(fiber_record& r) noexcept;   ///< what ~fiber does
WEFT_EXPORT void detach_record(fiber_record& r) noexcept;
WEFT_EXPORT void request_stop(fiber_record& r) noexcept;
WEFT_EXPORT stop_token stop_token_of(fiber_record& r);
WEFT_EXPORT bool is_finished(const fiber_record& r) noexcept;
inline fiber_id id_of(const fiber_record& r) noexcept { return {&r, r.generation}; }

/// Puts the closure into the record; on exception the record is given back.
template <class F, class... A>
void emplace_closure(fiber_record& r, const fiber_options* options, F&& function, A&&... arguments) {
  using body = closure<std::decay_t<F>, std::decay_t<A>...>;
  try {
    if (fits_in_record<body> && options == nullptr) {
      if constexpr (fits_in_record<body>) {
        ::new (static_cast<void*>(r.storage)) body(std::forward<F>(function), std::forward<A>(arguments)...);
      }
    } else {
      auto box = std::make_unique<boxed_closure<body>>(std::forward<F>(function), std::forward<A>(arguments)...);
      if (options != nullptr) apply_options(*box, *options);
      ::new (static_cast<void*>(r.storage)) fiber_spec*(box.release());
      r.options |= option_boxed;
    }
  } catch (...) {
    abort_spawn(r);
    throw;
  }
  r.ops = &closure_ops<body>::table;
}

template <class F, class... A>
using spawn_result = typename closure<std::decay_t<F>, std::decay_t<A>...>::result;

}  // namespace weft::inline v0::detail
