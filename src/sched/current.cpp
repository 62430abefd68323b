// The one thread_local that fibers see, behind an accessor the compiler cannot look through.
//
// A compiler may keep a thread-local address in a register across a stackful switch. noinline alone does not stop it (it
// infers that the function is pure and merges calls); the asm inside the function does, with GCC and Clang, with LTO too.
#include "sched/driver.hpp"
#include "sched/worker.hpp"

namespace weft::inline v0::detail {
namespace {
thread_local worker* running_worker = nullptr;
thread_local driver* running_driver = nullptr;  // plain threads of tests only
}  // namespace

[[gnu::noinline]] worker* current_worker() noexcept {
  worker* w = running_worker;
  asm volatile("" : "+r"(w) : : "memory");
  return w;
}

[[gnu::noinline]] void set_current_worker(worker* w) noexcept {
  asm volatile("" : "+r"(w) : : "memory");
  running_worker = w;
}

driver* current_driver() noexcept { return running_driver; }
void set_current_driver(driver* d) noexcept { running_driver = d; }

}  // namespace weft::inline v0::detail
