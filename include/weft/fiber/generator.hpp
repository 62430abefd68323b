/// \file   weft/fiber/generator.hpp
/// \brief  A stackful generator: a function that yields values from any depth, read as an input range.
#pragma once
#include <concepts>     // copy_constructible
#include <cstddef>      // ptrdiff_t
#include <iterator>     // default_sentinel, input_iterator_tag
#include <memory>       // addressof
#include <ranges>       // view_interface
#include <type_traits>  // remove_cvref_t
#include <utility>      // move

#include <weft/fiber/coroutine.hpp>

namespace weft::inline v0 {

/// Elements are what the body hands to `yield`; between elements the body is suspended on a stack of its own, so that a
/// recursive function, or a callback of a library that knows nothing of generators, can yield.
///
///     void walk(const node& n, weft::generator<int>::yielder& yield) {
///       if (n.left) walk(*n.left, yield);
///       yield(n.value);
///       if (n.right) walk(*n.right, yield);
///     }
///     weft::generator<int> values{[&](auto& yield) { walk(root, yield); }};
///     for (int v : values) ...
///
/// References and values as in std::generator<T>: *it is a T&& (T itself when T is a reference) to the very object that
/// was yielded; nothing is copied but lvalues that are yielded as T. An exception that leaves the body leaves begin() or
/// ++. Destroyed early, the body is unwound as a coroutine is; threads, state and memory likewise.
template <class T>
class generator : public std::ranges::view_interface<generator<T>> {
 public:
  using value_type = std::remove_cvref_t<T>;
  using reference = std::conditional_t<std::is_reference_v<T>, T, T&&>;

  /// What the body yields with; copies are the same.
  class yielder {
   public:
    /// Hands `value` to the reader and suspends until it asks for the next one.
    void operator()(reference value) const {
      core_->value = const_cast<void*>(static_cast<const volatile void*>(std::addressof(value)));
      detail::yield_coroutine(*core_);
    }
    /// As T is not a reference, the reader may move from its element: it gets a copy.
    void operator()(const value_type& value) const
        requires(!std::is_reference_v<T> && std::copy_constructible<value_type>) {
      value_type copy(value);
      (*this)(static_cast<reference>(copy));
    }
    void yield(reference value) const { (*this)(static_cast<reference>(value)); }
    void yield(const value_type& value) const requires(!std::is_reference_v<T> && std::copy_constructible<value_type>) {
      (*this)(value);
    }

   private:
    friend generator;
    explicit yielder(detail::coroutine_core& core) noexcept : core_(&core) {}
    detail::coroutine_core* core_;
  };

  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = generator::value_type;
    using difference_type = std::ptrdiff_t;

    iterator(iterator&&) noexcept = default;
    iterator& operator=(iterator&&) noexcept = default;

    reference operator*() const noexcept {
      return static_cast<reference>(*static_cast<std::remove_reference_t<T>*>(core_->value));
    }
    iterator& operator++() {
      detail::resume_coroutine(*core_);
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& it, std::default_sentinel_t /*end*/) noexcept {
      return it.core_->state == detail::coroutine_state::done;
    }

   private:
    friend generator;
    explicit iterator(detail::coroutine_core& core) noexcept : core_(&core) {}
    detail::coroutine_core* core_;
  };

  /// `body` is called as body(yield) at begin(); `yield` is an lvalue yielder. \throws as weft::coroutine
  template <class Body>
  requires(!std::same_as<std::decay_t<Body>, generator> &&
           std::invocable<std::decay_t<Body>&, yielder&>) explicit generator(Body&& body,
                                                                             std::size_t stack_size =
                                                                                 detail::default_coroutine_stack)
      : owner_(std::in_place_type<closure<std::decay_t<Body>>>, stack_size, std::forward<Body>(body)) {}

  generator(generator&&) noexcept = default;
  generator& operator=(generator&&) noexcept = default;
  ~generator() = default;

  /// Runs the body to its first element. A range to read once: a second begin() goes on where the first one is.
  iterator begin() {
    detail::coroutine_core& core = detail::existing_coroutine(owner_.get());
    if (core.state == detail::coroutine_state::fresh) {
      detail::resume_coroutine(core);
    }
    return iterator{core};
  }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  template <class Body>
  struct closure {
    template <class From>
    explicit closure(From&& from) : body(std::forward<From>(from)) {}
    void operator()(detail::coroutine_core& core) {
      yielder yield{core};
      body(yield);
    }
    Body body;
  };

  detail::coroutine_owner owner_;
};

}  // namespace weft::inline v0
