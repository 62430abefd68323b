// What the library's thread-local accessor promises, checked where it matters: in one function, before and after a
// context moves to another thread. The program is built with many flags; beside the right accessor stands a wrong one,
// which shows that this build would catch it.
//
// The context is made by hand, because no fiber of the library changes thread.
#include <cstdio>   // printf
#include <cstdint>  // uintptr_t
#include <cstdlib>  // aligned_alloc
#include <thread>   // thread

#include "context/switch.hpp"
#include "sched/worker.hpp"  // current_worker, set_current_worker

namespace {

using weft::detail::context;
using weft::detail::current_worker;
using weft::detail::set_current_worker;
using weft::detail::worker;

thread_local worker* unprotected = nullptr;

// The accessor as one would write it at first: not inlined, so what could a compiler know of it? That it has no side
// effects, and that the address of a thread-local is the same each time.
[[gnu::noinline]] worker** wrong_accessor() { return &unprotected; }

// Only addresses are compared; no worker is made.
worker* const of_first_thread = reinterpret_cast<worker*>(std::uintptr_t{0x1000});
worker* const of_second_thread = reinterpret_cast<worker*>(std::uintptr_t{0x2000});

context migrant;
context host;
worker* right_before = nullptr;
worker* right_after = nullptr;
worker* wrong_before = nullptr;
worker* wrong_after = nullptr;

void guest(void*) {
  right_before = current_worker();
  wrong_before = *wrong_accessor();
  weft::detail::switch_context(migrant, host);  // resumed by another thread
  right_after = current_worker();
  wrong_after = *wrong_accessor();
  weft::detail::switch_context(migrant, host);
}

[[gnu::noinline]] void run_migrant(worker* identity) {
  set_current_worker(identity);
  unprotected = identity;
  weft::detail::switch_context(host, migrant);
  set_current_worker(nullptr);
}

}  // namespace

WEFT_EXPORT int tls_contract(bool wrong_one_must_show) {
  constexpr std::size_t bytes = 256 * 1024;
  auto* const stack = static_cast<char*>(std::aligned_alloc(4096, bytes));
  if (stack == nullptr) return 2;
  weft::detail::make_context(migrant, stack + bytes, guest, nullptr);
  run_migrant(of_first_thread);  // this thread lives on: its variable and the other's have different addresses
  std::thread([] { run_migrant(of_second_thread); }).join();
  std::free(stack);
  const bool right = right_before == of_first_thread && right_after == of_second_thread;
  const bool wrong_shows = wrong_before == of_first_thread && wrong_after != of_second_thread;
  std::printf("accessor %s, wrong accessor %s\n", right ? "ok" : "STALE", wrong_shows ? "stale" : "ok by luck");
  return right && (wrong_shows || !wrong_one_must_show) ? 0 : 1;
}
