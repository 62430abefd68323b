// Windows: one list of free stacks per class for all coroutines of the process, of limited length.
#include "fiber/low_stack.hpp"

#include <mutex>         // mutex
#include <new>           // placement new
#include <stdexcept>     // invalid_argument
#include <system_error>  // error_code, system_error

#include "stack/windows_stack.hpp"  // map_stack

namespace weft::inline v0::detail {
namespace {

struct free_stacks {
  std::mutex lock;  // no coroutine is left while it is held
  stack* first[stack_classes] = {};
  std::uint32_t count[stack_classes] = {};
};

// Never destroyed: a coroutine with static storage may give its stack back after any other static object is gone.
free_stacks& shared() {
  alignas(free_stacks) static std::byte storage[sizeof(free_stacks)];
  static free_stacks* const made = ::new (storage) free_stacks;
  return *made;
}

stack* take(unsigned size_class) noexcept {
  free_stacks& from = shared();
  const std::lock_guard hold(from.lock);
  stack* const s = from.first[size_class];
  if (s != nullptr) {
    from.first[size_class] = s->next;
    --from.count[size_class];
  }
  return s;
}

// \return false when there are enough: as many as a bundle has on Linux
bool keep(stack& s) noexcept {
  free_stacks& to = shared();
  const std::lock_guard hold(to.lock);
  if (to.count[s.size_class] == stacks_per_bundle(s.size_class)) return false;
  s.next = to.first[s.size_class];
  to.first[s.size_class] = &s;
  ++to.count[s.size_class];
  return true;
}

}  // namespace

stack& acquire_low_stack(std::size_t bytes) {
  if (!is_stack_size(bytes)) {
    throw std::invalid_argument("weft: stack size of a coroutine is out of range");
  }
  const unsigned size_class = stack_class_of(bytes);
  std::error_code error;
  stack* s = take(size_class);
  if (s == nullptr) {
    s = map_stack(size_class, error);
  }
  if (s == nullptr) {
    throw std::system_error(error, "weft: no stack for a coroutine");
  }
  return *s;
}

// An overflow that somebody handled has used its guard up. Nobody says so; hence a system call for each.
void release_low_stack(stack& s) noexcept {
  if (!guard_again(s) || !keep(s)) {
    unmap_stack(s);
  }
}

}  // namespace weft::inline v0::detail
