/// \file   weft/sched/fiber_local.hpp
/// \brief  fiber_local<T>: one value per fiber, destroyed with the fiber.
#pragma once
#include <cstdint>  // uint64_t

#include <weft/base/config.hpp>  // WEFT_EXPORT

namespace weft::inline v0 {
namespace detail {

/// One value of one fiber, linked to its fiber's others, newest first.
struct fls_node {
  fls_node* next = nullptr;
  std::uint64_t key = 0;
  void (*destroy)(fls_node*) noexcept = nullptr;
};
WEFT_EXPORT std::uint64_t new_fls_key() noexcept;
WEFT_EXPORT fls_node* find_fls(std::uint64_t key) noexcept;  ///< of the running fiber, or of the calling plain thread
WEFT_EXPORT void add_fls(fls_node& node) noexcept;

}  // namespace detail

/// A value of its own for every fiber that asks for it, made by T's default constructor on first use; on a plain thread
/// one for the thread. Destroyed when the fiber ends, newest first. A destroyed fiber_local leaves its values to their
/// fibers. Cost: one allocation on first use, then a walk over the fiber's few values.
/// Threads: one object may be used by all fibers and threads at the same time.
template <class T>
class fiber_local {
 public:
  fiber_local() noexcept : key_(detail::new_fls_key()) {}
  fiber_local(const fiber_local&) = delete;
  fiber_local& operator=(const fiber_local&) = delete;

  T& operator*() { return get(); }
  T* operator->() { return &get(); }

 private:
  struct node : detail::fls_node {
    T value{};
  };
  T& get() {
    if (detail::fls_node* found = detail::find_fls(key_); found != nullptr) return static_cast<node*>(found)->value;
    auto* made = new node;
    made->key = key_;
    made->destroy = [](detail::fls_node* n) noexcept { delete static_cast<node*>(n); };
    detail::add_fls(*made);
    return made->value;
  }
  std::uint64_t key_;
};

}  // namespace weft::inline v0
