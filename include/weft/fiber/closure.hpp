/// \file   weft/fiber/closure.hpp
/// \brief  How a closure and its arguments become the entry of a fiber record, without an allocation when they are small.
///
/// 32 bytes of the record hold the closure before the run and its result after it; a closure that does not fit, or that
/// was spawned with options, lives in one heap block whose address is in the record. Private to weft.
#pragma once
#include <cstddef>      // size_t
#include <cstdint>      // uint8_t
#include <exception>    // exception_ptr
#include <functional>   // invoke
#include <memory>       // unique_ptr
#include <new>          // placement new, launder
#include <tuple>        // tuple, apply
#include <type_traits>  // decay, invoke_result
#include <utility>      // forward, move

#include <weft/fiber/cancelled.hpp>  // cancelled
#include <weft/fiber/record.hpp>     // fiber_record, fiber_ops

namespace weft::inline v0::detail {

/// Options of a fiber that has not started, copied at spawn. Base of the heap block of a closure.
struct fiber_spec {
  char name[32] = {};
  std::uint8_t size_class = 0;
  bool has_size_class = false;
  bool spread = false;
};

/// fiber_record::options
inline constexpr std::uint8_t option_boxed = 1;   ///< storage holds the address of a fiber_spec
inline constexpr std::uint8_t option_scoped = 4;  ///< child of a scope, which waits for it and has its failure
inline constexpr std::uint8_t option_placed =
    2;  ///< until it starts, counted in `placed` of the worker whose number is in `home`

template <class F, class... A>
struct closure {
  using result = std::invoke_result_t<F, A...>;
  template <class G, class... B>
  explicit closure(G&& function, B&&... arguments)
      : call(std::forward<G>(function)), args(std::forward<B>(arguments)...) {}
  result run() {
    return std::apply([this](A&... a) -> result { return std::invoke(std::move(call), std::move(a)...); }, args);
  }
  [[no_unique_address]] F call;
  [[no_unique_address]] std::tuple<A...> args;
};

template <class C>
struct boxed_closure : fiber_spec {
  template <class... X>
  explicit boxed_closure(X&&... x) : body(std::forward<X>(x)...) {}
  C body;
};

template <class T>
inline constexpr bool fits_in_record = sizeof(T) <= fiber_record::storage_bytes &&
                                       alignof(T) <= 16 && std::is_nothrow_move_constructible_v<T>;

template <class T>
T* storage_as(fiber_record& r) noexcept {
  return std::launder(reinterpret_cast<T*>(r.storage));
}
template <class T>
T*& boxed_in(fiber_record& r) noexcept {
  return *std::launder(reinterpret_cast<T**>(r.storage));
}

/// How a result of type R is kept in a record, and taken out of it by the joiner.
template <class R>
struct result_slot {
  static constexpr bool in_place = fits_in_record<R>;
  template <class Make>
  static void store(fiber_record& r, Make&& make) {
    if constexpr (in_place) {
      ::new (static_cast<void*>(r.storage)) R(make());
    } else {
      ::new (static_cast<void*>(r.storage)) R*(new R(make()));
    }
  }
  static R take(fiber_record& r) {
    if constexpr (in_place) {
      R* held = storage_as<R>(r);
      R out(std::move(*held));
      held->~R();
      return out;
    } else {
      const std::unique_ptr<R> held(boxed_in<R>(r));
      return std::move(*held);
    }
  }
  static void destroy(fiber_record& r) noexcept {
    if constexpr (in_place) {
      storage_as<R>(r)->~R();
    } else {
      delete boxed_in<R>(r);
    }
  }
};
template <class R>
struct result_slot<R&> {
  template <class Make>
  static void store(fiber_record& r, Make&& make) {
    ::new (static_cast<void*>(r.storage)) R*(std::addressof(make()));
  }
  static R& take(fiber_record& r) noexcept { return *boxed_in<R>(r); }
  static void destroy(fiber_record&) noexcept {}
};
template <>
struct result_slot<void> {
  template <class Make>
  static void store(fiber_record&, Make&& make) {
    make();
  }
  static void take(fiber_record&) noexcept {}
  static void destroy(fiber_record&) noexcept {}
};

/// Keeps the current exception, with the fiber's name, in the record. Out of line: it is the cold path of every fiber.
WEFT_EXPORT void store_exception(fiber_record& r) noexcept;

template <class C>
struct closure_ops {
  using result = typename C::result;
  static constexpr bool in_place = fits_in_record<C>;

  // Runs the closure that was moved to the fiber's own stack; it is destroyed before the result is published.
  static void call(fiber_record& r) {
    if ((r.options & option_boxed) != 0) {
      const std::unique_ptr<boxed_closure<C>> box(static_cast<boxed_closure<C>*>(boxed_in<fiber_spec>(r)));
      store_result(r, box->body);
    } else if constexpr (in_place) {
      C* held = storage_as<C>(r);
      C body(std::move(*held));
      held->~C();
      store_result(r, body);
    }
    r.outcome = fiber_outcome::value;
  }
  static void store_result(fiber_record& r, C& body) {
    result_slot<result>::store(r, [&]() -> result { return body.run(); });
  }
  static void run(fiber_record& r) {
    try {
      call(r);
    } catch (...) {
      store_exception(r);
    }
  }
  // No handler but the one for cancellation, and no noexcept up to the end of the stack, which counts as one: then the
  // search for a handler fails before anything is unwound, and terminate() is called by the throw itself.
  static void run_detached(fiber_record& r) {
    try {
      call(r);
    } catch (const cancelled&) {
      store_exception(r);
    }
  }
  static void destroy_closure(fiber_record& r) noexcept {
    if ((r.options & option_boxed) != 0) {
      delete static_cast<boxed_closure<C>*>(boxed_in<fiber_spec>(r));
    } else if constexpr (in_place) {
      storage_as<C>(r)->~C();
    }
  }
  static constexpr fiber_ops table{&run, &run_detached, &destroy_closure, &result_slot<result>::destroy};
};

}  // namespace weft::inline v0::detail
