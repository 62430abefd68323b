// Dies of an exception that nobody catches, thrown deep inside a detached fiber; its core is read by core_test.py.
#include <stdexcept>  // runtime_error

#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>

// C names, so that the script can look for them; `after` keeps calls from becoming jumps.
#define CORE_FUNCTION extern "C" [[gnu::noinline, gnu::used]]
#define CORE_AFTER_CALL asm volatile("" ::: "memory")

CORE_FUNCTION void core_throws() {
  weft::this_fiber::yield();
  throw std::runtime_error("nobody catches this");
}
CORE_FUNCTION void core_inner() {
  core_throws();
  CORE_AFTER_CALL;
}
CORE_FUNCTION void core_outer() {
  core_inner();
  CORE_AFTER_CALL;
}

int main() {
  weft::run({.workers = 1}, [] {
    weft::spawn({.name = "thrower"}, core_outer).detach();
    for (;;) weft::this_fiber::yield();
  });
}
