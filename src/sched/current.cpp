// Where the running worker is kept, and the accessor for CPUs that have no instructions for it.
#include "sched/current.hpp"

#include "sched/driver.hpp"

namespace weft::inline v0::detail {

// used: link-time optimization does not see who reads it.
[[gnu::used]] constinit thread_local worker* running_worker = nullptr;

namespace {
thread_local driver* running_driver = nullptr;  // plain threads of tests only
}  // namespace

[[gnu::noinline]] void set_current_worker(worker* w) noexcept {
  asm volatile("" : "+r"(w) : : "memory");
  running_worker = w;
}

#if !defined(__x86_64__)
// noinline alone is not enough (a compiler infers that the function is pure and merges calls); the asm is, with GCC and
// Clang, with link-time optimization too.
[[gnu::noinline]] worker* current_worker() noexcept {
  worker* w = running_worker;
  asm volatile("" : "+r"(w) : : "memory");
  return w;
}
#endif

driver* current_driver() noexcept { return running_driver; }
void set_current_driver(driver* d) noexcept { running_driver = d; }

}  // namespace weft::inline v0::detail
