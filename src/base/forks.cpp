// The count of forks.
#include "base/forks.hpp"

#include <pthread.h>  // pthread_atfork

namespace weft::inline v0::detail {
namespace {

unsigned passed = 0;  // written in a child while it has one thread

void count() noexcept { ++passed; }

}  // namespace

unsigned forks_passed() noexcept {
  // Without memory for it children are taken for their parents, as if nobody had looked.
  [[maybe_unused]] static const int counting = ::pthread_atfork(nullptr, nullptr, &count);
  return passed;
}

}  // namespace weft::inline v0::detail
