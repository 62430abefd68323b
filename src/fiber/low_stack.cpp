// One stack cache for all coroutines of the process. Its lock is held for a few instructions, but for the first use of
// a stack, which maps memory, and for giving pages back: hence a mutex, and no spin lock. What a coroutine costs is its
// switches, not its stack.
#include "fiber/low_stack.hpp"

#include <mutex>         // mutex
#include <new>           // placement new
#include <stdexcept>     // invalid_argument
#include <system_error>  // error_code, system_error

#include "stack/depot.hpp"  // tend_depot

namespace weft::inline v0::detail {
namespace {

struct shared_cache {
  std::mutex lock;  // no fiber is suspended while it is held
  stack_cache stacks;
};

// Never destroyed: a coroutine with static storage may give its stack back after any other static object is gone.
shared_cache& cache() {
  alignas(shared_cache) static std::byte storage[sizeof(shared_cache)];
  static shared_cache* const made = ::new (storage) shared_cache;
  return *made;
}

}  // namespace

stack& acquire_low_stack(std::size_t bytes) {
  if (!is_stack_size(bytes)) {
    throw std::invalid_argument("weft: stack size of a coroutine is out of range");
  }
  std::error_code error;
  shared_cache& shared = cache();
  stack* s = nullptr;
  {
    const std::lock_guard guard(shared.lock);
    s = shared.stacks.take(requested_stack_class(bytes), error);
  }
  if (s == nullptr) {
    throw std::system_error(error, "weft: no stack for a coroutine");
  }
  return *s;
}

void release_low_stack(stack& s) noexcept {
  shared_cache& shared = cache();
  bool surplus = false;
  {
    const std::lock_guard guard(shared.lock);
    shared.stacks.put(&s);
    surplus = shared.stacks.trim();
  }
  if (surplus) tend_depot();  // there may be no runtime whose workers do
}

}  // namespace weft::inline v0::detail
