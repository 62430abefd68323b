// Where the running worker of a thread is kept.
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

driver* current_driver() noexcept { return running_driver; }
void set_current_driver(driver* d) noexcept { running_driver = d; }

}  // namespace weft::inline v0::detail
