/// \file   weft/task/scope_task.hpp
/// \brief  How a closure becomes a child of a scope. Private to weft.
#pragma once
#include <exception>    // exception_ptr
#include <memory>       // unique_ptr, addressof
#include <optional>     // optional
#include <type_traits>  // decay, is_void
#include <utility>      // forward, exchange
#include <variant>      // monostate

#include <weft/sched/spawn_seam.hpp>  // begin_spawn
#include <weft/sched/stop_tree.hpp>   // stop_scope

namespace weft::inline v0::detail {

/// A closure and its place in the scope: one heap block, freed when the closure has ended.
template <class C>
struct scope_task : stop_child {
  template <class... X>
  explicit scope_task(X&&... x) : body(std::in_place, std::forward<X>(x)...) {}
  std::optional<C> body;
};

/// What escaped the child, told to its scope: a failure, unless it is weft::cancelled and a stop was asked for.
WEFT_EXPORT void note_escaped(stop_child& c) noexcept;
WEFT_EXPORT void note_never_ran(stop_child& c) noexcept;  ///< no stack could be had
/// Marks the record as a child's. `kept`: somebody has a handle.
WEFT_EXPORT void adopt_child(stop_scope& in, stop_child& c, fiber_record& r, bool kept) noexcept;
WEFT_EXPORT void report_unjoined(const std::exception_ptr& e) noexcept;

/// What is spawned. Its first member, the task's address, is how the scope's join() knows its own.
template <class C, bool Kept>
class scope_runner {
 public:
  using result = std::conditional_t<Kept, typename C::result, void>;
  explicit scope_runner(scope_task<C>* task) noexcept : task_(task) {}
  scope_runner(scope_runner&& other) noexcept : task_(std::exchange(other.task_, nullptr)) {}
  scope_runner(const scope_runner&) = delete;
  scope_runner& operator=(const scope_runner&) = delete;
  ~scope_runner() {
    if (task_ == nullptr || task_->in == nullptr) return;  // it ran; or it was never spawned and belongs to the spawner
    note_never_ran(*task_);
    end();
  }

  result operator()() {
    struct ender {  // ends the child after its result has been stored, before the fiber's own end
      scope_runner& of;
      ~ender() { of.end(); }
    } at_end{*this};
    try {
      return static_cast<result>(task_->body->run());
    } catch (...) {
      note_escaped(*task_);
      if constexpr (Kept) throw;
    }
  }

 private:
  void end() noexcept {
    const std::unique_ptr<scope_task<C>> gone(std::exchange(task_, nullptr));
    gone->body.reset();  // the closure's destructors belong to the child
    gone->in->leave(*gone);
  }
  scope_task<C>* task_;
};

template <bool Kept, class F, class... A>
fiber_record& spawn_in(stop_scope& in, const fiber_options* options, void* site, F&& f, A&&... args) {
  using body = closure<std::decay_t<F>, std::decay_t<A>...>;
  auto task = std::make_unique<scope_task<body>>(std::forward<F>(f), std::forward<A>(args)...);
  fiber_record& r = begin_spawn(site);
  emplace_closure(r, options, scope_runner<body, Kept>(task.get()));
  adopt_child(in, *task.release(), r, Kept);
  commit_spawn(r);
  return r;
}

/// A result of any type, void and references too, between its making and its return.
template <class R>
class result_box {
 public:
  template <class Make>
  void fill(Make&& make) {
    value_.emplace(make());
  }
  R take() { return std::move(*value_); }

 private:
  std::optional<R> value_;
};
template <class R>
class result_box<R&> {
 public:
  template <class Make>
  void fill(Make&& make) {
    value_ = std::addressof(make());
  }
  R& take() noexcept { return *value_; }

 private:
  R* value_ = nullptr;
};
template <>
class result_box<void> {
 public:
  template <class Make>
  void fill(Make&& make) {
    make();
  }
  void take() const noexcept {}
};

/// What a tuple or variant of results holds: void becomes monostate.
template <class R>
using regular = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

/// Calls and returns what a tuple can hold.
template <class F>
regular<std::invoke_result_t<F>> call_regular(F&& f) {
  if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
    std::forward<F>(f)();
    return {};
  } else {
    return std::forward<F>(f)();
  }
}

}  // namespace weft::inline v0::detail
