/// \file   weft/task/parallel.hpp
/// \brief  Fork-join: divide work, and let idle workers take the halves.
///
/// What is forked lies at the bottom of the worker's deque. A fork that nobody has taken when its turn comes is a plain
/// call in the calling fiber (Mohr, Kranz and Halstead, "Lazy task creation", 1991); a stolen one is a fiber of its own. So code inside must
/// not depend on whose fiber it runs in (id, fiber-local values). It may block: then the worker goes on with the rest.
///
/// Failure:  the first exception, in program order, is rethrown after everything that was forked has ended.
/// Stops:    a stop of the calling fiber reaches what was taken by others when the caller waits for it.
/// \throws   what the functions throw; weft::cancelled; std::system_error(operation_not_permitted) outside a fiber, where
///           there is anything to divide
#pragma once
#include <cstddef>      // ptrdiff_t
#include <exception>    // exception_ptr
#include <iterator>     // iter_difference_t
#include <optional>     // optional
#include <type_traits>  // is_integral, is_invocable_r
#include <utility>      // forward, move

#include <weft/sched/spawn_seam.hpp>  // begin_spawn

namespace weft::inline v0 {
namespace detail {

/// The fork in `r` was not taken: it is no more, and the caller runs its function.
WEFT_EXPORT bool take_back(fiber_record& r) noexcept;
/// Waits for a taken fork and rethrows what escaped it. Stopped while waiting: stops the fork, waits, throws.
WEFT_EXPORT void join_fork(fiber_record& r);
/// Something else has failed: stops the fork if it was taken, and waits for it.
WEFT_EXPORT void abandon_fork(fiber_record& r) noexcept;
/// Into how many pieces work of unknown cost is divided here.
WEFT_EXPORT std::ptrdiff_t pieces_wanted() noexcept;

template <class F>
struct forked_call {
  F* f;
  void operator()() const { (*f)(); }
};

/// f here, g here or elsewhere.
template <class F, class G>
[[gnu::always_inline]] inline void invoke_both(F& f, G& g) {
  fiber_record& r = begin_spawn(__builtin_return_address(0));
  emplace_closure(r, nullptr, forked_call<G>{&g});
  commit_spawn(r);
  try {
    f();
  } catch (...) {
    abandon_fork(r);
    throw;
  }
  if (take_back(r)) {
    g();
  } else {
    join_fork(r);
  }
}

template <class F>
void invoke_all(F&& f) {
  std::forward<F>(f)();
}
template <class F, class... G>
void invoke_all(F&& f, G&&... g) {
  auto first = [&] { std::forward<F>(f)(); };
  auto rest = [&] { invoke_all(std::forward<G>(g)...); };
  invoke_both(first, rest);
}

/// The integer or iterator `by` places after `first`; half of any range fits into its own type.
template <class It>
It middle_of(It first, std::ptrdiff_t by) {
  if constexpr (std::is_integral_v<It>) {
    return static_cast<It>(first + static_cast<It>(by));
  } else {
    return static_cast<It>(first + static_cast<std::iter_difference_t<It>>(by));
  }
}

template <class It, class F>
void for_range(It first, std::ptrdiff_t n, std::ptrdiff_t grain, F& f) {
  if (n <= grain) {
    for (std::ptrdiff_t i = 0; i < n; ++i, ++first) {
      if constexpr (std::is_integral_v<It>) {
        f(first);
      } else {
        f(*first);
      }
    }
    return;
  }
  const std::ptrdiff_t half = n / 2;
  auto left = [&] { for_range(first, half, grain, f); };
  auto right = [&] { for_range(middle_of(first, half), n - half, grain, f); };
  invoke_both(left, right);
}

template <class T, class It, class Op, class Map>
T reduce_range(It first, std::ptrdiff_t n, std::ptrdiff_t grain, Op& op, Map& map) {
  const auto mapped = [&map](It at) -> T {
    if constexpr (std::is_integral_v<It>) {
      return static_cast<T>(map(at));
    } else {
      return static_cast<T>(map(*at));
    }
  };
  if (n <= grain) {
    T sum = mapped(first);
    for (std::ptrdiff_t i = 1; i < n; ++i) sum = static_cast<T>(op(std::move(sum), mapped(++first)));
    return sum;
  }
  const std::ptrdiff_t half = n / 2;
  std::optional<T> low, high;
  auto left = [&] { low.emplace(reduce_range<T>(first, half, grain, op, map)); };
  auto right = [&] { high.emplace(reduce_range<T>(middle_of(first, half), n - half, grain, op, map)); };
  invoke_both(left, right);
  return static_cast<T>(op(std::move(*low), std::move(*high)));
}

/// What a map over [It, It) is called with: the integer, or the element.
template <class It>
struct mapped_from {
  using type = decltype(*std::declval<It&>());
};
template <class It>
requires std::is_integral_v<It>
struct mapped_from<It> {
  using type = It&;
};

template <class It>
std::ptrdiff_t length_of(It first, It last) {
  if constexpr (std::is_integral_v<It>) {
    return last <= first ? 0 : static_cast<std::ptrdiff_t>(last) - static_cast<std::ptrdiff_t>(first);
  } else {
    return static_cast<std::ptrdiff_t>(last - first);
  }
}

inline std::ptrdiff_t grain_of(std::ptrdiff_t n) noexcept {
  const std::ptrdiff_t pieces = pieces_wanted();
  return n <= pieces ? 1 : (n + pieces - 1) / pieces;
}

}  // namespace detail

/// Calls all functions, each once and as it was passed (an rvalue as one), possibly at the same time, and returns when all have returned.
template <class... F>
void parallel_invoke(F&&... f) {
  if constexpr (sizeof...(F) > 0) detail::invoke_all(std::forward<F>(f)...);
}

/// Integers: f(i) for each i of [first, last); random-access iterators: f(*it). In any order, possibly at the same time.
template <class It, class F>
void parallel_for(It first, It last, F&& f) {
  const std::ptrdiff_t n = detail::length_of(first, last);
  if (n > 0) detail::for_range(first, n, detail::grain_of(n), f);
}

/// op(init, map(x0), map(x1), ...) for the values or elements of [first, last), grouped in any way: `op` must be
/// associative, but need not commute. `init` is used once. What both return is converted to T.
template <class It, class T, class Op, class Map>
requires(std::is_invocable_r_v<T, Op&, T, T>&& std::is_invocable_r_v<T, Map&, typename detail::mapped_from<It>::type>) T
    parallel_reduce(It first, It last, T init, Op op, Map map) {
  const std::ptrdiff_t n = detail::length_of(first, last);
  if (n <= 0) return init;
  return static_cast<T>(op(std::move(init), detail::reduce_range<T>(first, n, detail::grain_of(n), op, map)));
}

}  // namespace weft::inline v0
