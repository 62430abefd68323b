// A bug of each kind that a sanitizer, or Valgrind, is for, planted in a fiber: it has to be seen there as it would in a
// thread. And what is no bug: fibers that a tool has nothing to say of.
//
// usage: sched_planted_bug_program <bug>, as in the table at the end
#include <atomic>   // started
#include <cstdio>   // puts
#include <cstring>  // strcmp
#include <limits>   // numeric_limits
#include <vector>   // fibers

#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>
#include <weft/sync/event.hpp>

#include "work.hpp"

namespace {

namespace this_fiber = weft::this_fiber;

template <class T>
T opaque(T value) {
  asm volatile("" : "+r"(value) : : "memory");
  return value;
}

// Each suspends in between, as the bugs of fibers do.
void use_after_free() {
  int* const freed = new int(opaque(1));
  int* const again = opaque(freed);
  this_fiber::yield();
  delete freed;
  this_fiber::yield();
  *again = 2;
}

[[gnu::noinline]] void stack_overrun() {
  char room[16] = {};
  char* const at = opaque(&room[0]);
  this_fiber::yield();
  at[opaque(16)] = 1;
}

int* volatile dangling = nullptr;
[[gnu::noinline]] void leave_behind() {
  volatile int local = 7;
  dangling = const_cast<int*>(&local);
  this_fiber::yield();
}
void use_after_return() {
  leave_behind();
  *dangling = 8;
}

void leak() {
  opaque(new char[1234]);
  this_fiber::yield();
}

void overflow() {
  int largest = opaque(std::numeric_limits<int>::max());
  this_fiber::yield();
  largest += opaque(1);
  opaque(largest);
}

int* volatile on_heap = nullptr;  // not opaque(): what an asm statement may have written counts as written
void uninitialized_heap() {
  on_heap = new int[4];
  int* const values = on_heap;
  this_fiber::yield();
  if (values[2] == 7) std::puts("seven");
  delete[] values;
}

[[gnu::noinline]] bool has_seven(const int* values) {
  this_fiber::yield();
  return values[2] == 7;
}
void uninitialized_frame() {
  int values[4];
  values[1] = 7;
  if (has_seven(values)) std::puts("seven");
}

// The one waits for the other in a way that orders nothing, so that they run on two workers, and at once.
int contended = 0;
void race() {
  std::atomic<bool> started{false};
  weft::event over;
  auto other = weft::spawn({.spread = true}, [&] {
    this_fiber::yield();
    started.store(true, std::memory_order_relaxed);
    for (int i = 0; i < 1000; ++i) contended = contended + opaque(1);
    over.set();
  });
  while (!started.load(std::memory_order_relaxed)) continue;
  for (int i = 0; i < 1000; ++i) contended = contended + opaque(1);
  over.wait();
  other.join();
}

// Stacks that grow and shrink, by returns and by exceptions, and fibers that follow each other on them.
[[gnu::noinline]] int deep(int levels) {
  volatile char room[1024];
  room[opaque(0)] = 1;
  if (levels == 0) {
    this_fiber::yield();
    throw levels;
  }
  return deep(levels - 1) + room[opaque(0)];
}
void nothing() {
  std::vector<weft::fiber<>> all;
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 20; ++i) {
      all.push_back(weft::spawn([i] {
        try {
          deep(2 * i);
        } catch (int) {
          this_fiber::yield();
        }
      }));
    }
    for (auto& f : all) f.join();
    all.clear();
  }
}

struct bug {
  const char* name;
  void (*plant)();
} const bugs[] = {{"use_after_free", use_after_free},
                  {"stack_overrun", stack_overrun},
                  {"leak", leak},
                  {"use_after_return", use_after_return},
                  {"overflow", overflow},
                  {"uninitialized_heap", uninitialized_heap},
                  {"uninitialized_frame", uninitialized_frame},
                  {"race", race},
                  {"nothing", nothing},
                  {"work", work}};

}  // namespace

int main(int count, char** arguments) {
  for (const bug& b : bugs) {
    if (count != 2 || std::strcmp(arguments[1], b.name) != 0) continue;
    weft::runtime rt({.workers = 2});
    // Beside another one, so that suspending means that somebody else runs.
    auto other = rt.spawn({.spread = true}, [] {
      for (int i = 0; i < 100; ++i) this_fiber::yield();
    });
    rt.spawn({.spread = true}, b.plant).join();
    other.join();
    return 0;
  }
  return 2;
}
