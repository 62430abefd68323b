/// \file   weft/task/when.hpp
/// \brief  Several functions at once: all results, or the first.
#pragma once
#include <cstddef>     // size_t
#include <exception>   // exception_ptr
#include <functional>  // reference_wrapper
#include <optional>    // optional
#include <tuple>       // tuple
#include <utility>     // index_sequence, forward
#include <variant>     // variant

#include <weft/base/atomic.hpp>  // atomic
#include <weft/task/scope.hpp>   // scope

namespace weft::inline v0 {
namespace detail {

/// What a variant of results holds: it takes no references.
template <class R>
struct alternative_of {
  using type = regular<R>;
};
template <class R>
struct alternative_of<R&> {
  using type = std::reference_wrapper<R>;
};
template <class R>
struct alternative_of<R&&> {
  using type = R;
};
template <class R>
using alternative = typename alternative_of<R>::type;

template <class... F, std::size_t... I>
auto when_all_of(std::index_sequence<I...>, F&&... f) {
  std::tuple<result_box<regular<std::invoke_result_t<F>>>...> boxes;
  scope s;
  (s.spawn([&] { std::get<I>(boxes).fill([&]() -> decltype(auto) { return call_regular(std::forward<F>(f)); }); }),
   ...);
  s.join();
  return std::tuple<regular<std::invoke_result_t<F>>...>(std::get<I>(boxes).take()...);
}

template <class... F, std::size_t... I>
auto when_any_of(std::index_sequence<I...>, F&&... f) {
  std::optional<std::variant<alternative<std::invoke_result_t<F>>...>> winner;
  std::exception_ptr failure;
  atomic<bool> decided{false};
  scope s;
  // Relaxed: who was first is all that counts; what the first one has is read after the join.
  const auto first = [&] { return !decided.exchange(true, memory_order_relaxed); };
  const auto run = [&](auto index, auto&& function) {
    bool mine = false;
    try {
      auto&& value = call_regular(std::forward<decltype(function)>(function));
      mine = first();
      if (!mine) return;
      winner.emplace(std::in_place_index<decltype(index)::value>, std::forward<decltype(value)>(value));
    } catch (const cancelled&) {
      if (!mine) {
        if (decided.load(memory_order_relaxed)) return;  // relaxed: as above; a loser's end is nobody's business
        throw;
      }
      failure = std::current_exception();
    } catch (...) {
      if (!mine && !first()) return;
      failure = std::current_exception();
    }
    s.request_stop();
  };
  (s.spawn([&] { run(std::integral_constant<std::size_t, I>{}, std::forward<F>(f)); }), ...);
  s.join();
  if (failure != nullptr) std::rethrow_exception(failure);
  if (!winner.has_value()) throw cancelled{};  // all were stopped, from outside
  return std::move(*winner);
}

}  // namespace detail

/// Runs all functions at once, each in a fiber (one may run as a call), and returns their results as a tuple; void gives
/// std::monostate. The first failure stops the others, which are awaited, and is rethrown. A cancellation point.
/// \throws the first failure; weft::cancelled; std::system_error(operation_not_permitted) outside a fiber
template <class... F>
auto when_all(F&&... f) {
  return detail::when_all_of(std::index_sequence_for<F...>{}, std::forward<F>(f)...);
}

/// Runs all functions at once until the first has ended, stops the others and waits for them. Returns a std::variant of
/// the results whose index() is the winner's; void gives std::monostate, T& std::reference_wrapper<T>. If the first to end has thrown, that is
/// rethrown. \throws as when_all
template <class... F>
requires(sizeof...(F) > 0) auto when_any(F&&... f) {
  return detail::when_any_of(std::index_sequence_for<F...>{}, std::forward<F>(f)...);
}

}  // namespace weft::inline v0
