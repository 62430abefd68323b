// What each step from examples/naked_fibers to weft costs or saves, measured apart: the switch, the stack, the search
// for the next fiber. docs/from-naked-fibers.md holds the results and what they mean.
#define main naked_fibers_main
#include "../../examples/naked_fibers/naked_fibers.cpp"  // the example itself: Runtime, Thread, naked_switch
#undef main

#include <memory>        // unique_ptr
#include <sys/mman.h>    // mmap
#include <system_error>  // error_code, system_error
#include <unistd.h>      // sysconf

#include "context/switch.hpp"  // the inline switch
#include "stack/stack.hpp"     // stack_cache
#include "steps/measure.hpp"   // measure
#include "steps/naked.hpp"     // variants of the switch

namespace steps {
namespace {

constexpr long switches = 2'000'000;
alignas(64) unsigned char small_stack[64 * 1024];

// ---- the switch: main and one fiber, each with one call site -----------------------------------------------------------

registers main_registers, fiber_registers;

template <auto Switch>
void ping_pong(const char* what, bool has_fp_words) {
  start_at(
      fiber_registers, small_stack + sizeof small_stack,
      [] {
        for (;;) {
          Switch(&fiber_registers, &main_registers);
        }
      },
      has_fp_words);
  measure(what, [] {
    for (long i = 0; i < switches / 2; ++i) {
      Switch(&main_registers, &fiber_registers);
    }
    return switches;
  });
}

weft::detail::context main_context, fiber_context;

void registers_ping_pong() {
  weft::detail::make_context(
      fiber_context, small_stack + sizeof small_stack,
      [](void*) noexcept {
        for (;;) {
          weft::detail::switch_registers(fiber_context, main_context);
        }
      },
      nullptr);
  measure("switch: inline, compiler saves what lives", [] {
    for (long i = 0; i < switches / 2; ++i) {
      weft::detail::switch_registers(main_context, fiber_context);
    }
    return switches;
  });
}

void inline_ping_pong() {
  weft::detail::make_context(
      fiber_context, small_stack + sizeof small_stack,
      [](void*) noexcept {
        for (;;) {
          weft::detail::switch_context(fiber_context, main_context);
        }
      },
      nullptr);
  measure("switch: inline, with floating-point words (weft)", [] {
    for (long i = 0; i < switches / 2; ++i) {
      weft::detail::switch_context(main_context, fiber_context);
    }
    return switches;
  });
}

// ---- the next fiber: a scan over all, or a queue of those that are ready -----------------------------------------------

long yields = 0;
bool stopping = false;

void yield_until_stopped() {
  while (!stopping) {
    ++yields;
    yield_thread();
  }
}

// The example with `slots` threads, of which three are ever ready: main and two fibers; the others wait for something.
void round_robin(std::size_t slots, long rounds) {
  char what[64];
  std::snprintf(what, sizeof what, "yield: round-robin scan, 3 ready of %zu", slots);
  Runtime runtime;
  runtime.threads.resize(slots);  // the new ones have no stacks: nothing is spawned on them
  stopping = false;
  runtime.spawn(&yield_until_stopped);
  runtime.spawn(&yield_until_stopped);
  measure(what, [&] {
    yields = 0;
    for (long i = 0; i < rounds; ++i) {
      ++yields;
      runtime.t_yield();
    }
    return yields;
  });
  stopping = true;
  runtime.run();
}

// The example's switch under a queue: who yields goes to the end, who is at the front runs.
struct queued {
  registers context{};
  queued* next = nullptr;
};
queued* front = nullptr;
queued* back = nullptr;
queued* running = nullptr;

void queue_yield() {
  queued* self = running;
  back->next = self;
  back = self;
  queued* next = front;
  front = next->next;
  next->next = nullptr;
  running = next;
  steps_switch_ret(&self->context, &next->context);
}

void ready_queue() {
  static queued threads[3];
  static unsigned char stacks[2][16 * 1024];
  for (int i = 1; i < 3; ++i) {
    start_at(
        threads[i].context, stacks[i - 1] + sizeof stacks[0],
        [] {
          for (;;) {
            ++yields;
            queue_yield();
          }
        },
        false);
  }
  running = &threads[0];
  front = &threads[1];
  threads[1].next = back = &threads[2];
  measure("yield: ready queue, 3 ready of any number", [] {
    yields = 0;
    for (long i = 0; i < switches / 3; ++i) {
      ++yields;
      queue_yield();
    }
    return yields;
  });
}

// ---- the stack: what a new fiber pays before its first instruction -----------------------------------------------------

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

// Writes where the first frames go. The compiler must believe that somebody reads the stack, or it leaves it unfilled.
void touch(unsigned char* top) {
  *(top - 64) = 1;
  asm volatile("" : : "r"(top) : "memory");
}

void new_stacks() {
  measure("stack: std::vector of 2 MiB, filled with zeroes, warm", [] {
    for (int i = 0; i < 50; ++i) {
      std::vector<std::uint8_t> stack(DEFAULT_STACK_SIZE);
      touch(stack.data() + stack.size());
    }
    return 50;
  });
  measure("stack: mmap 256 KiB, mprotect a guard, touch, munmap", [] {
    constexpr std::size_t size = 256 * 1024, guard_size = 64 * 1024;
    for (int i = 0; i < 1000; ++i) {
      void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (memory == MAP_FAILED || ::mprotect(memory, guard_size, PROT_NONE) != 0) {
        fail("a mapped stack");
      }
      touch(static_cast<unsigned char*>(memory) + size);
      if (::munmap(memory, size) != 0) {
        fail("munmap");
      }
    }
    return 1000;
  });
}

weft::detail::stack* take(weft::detail::stack_cache& cache) {
  std::error_code error;
  weft::detail::stack* s = cache.take(weft::detail::stack_class_of(256 * 1024), error);
  if (s == nullptr) {
    throw std::system_error(error, "a pooled stack");
  }
  return s;
}

void pooled_stacks() {
  weft::detail::stack_cache cache;
  measure("stack: 256 KiB from weft's pool, guarded, warm", [&] {
    for (int i = 0; i < 1'000'000; ++i) {
      weft::detail::stack* s = take(cache);
      touch(reinterpret_cast<unsigned char*>(s->top()));
      cache.put(s);
    }
    return 1'000'000;
  });
}

// ---- memory: resident bytes of a fiber that has touched its first page -------------------------------------------------

long resident_bytes() {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/proc/self/statm", "r"), &std::fclose);
  long pages = 0, resident = 0;
  if (file == nullptr || std::fscanf(file.get(), "%ld %ld", &pages, &resident) != 2) {
    fail("/proc/self/statm");
  }
  return resident * ::sysconf(_SC_PAGESIZE);
}

void memory_of_vectors() {
  constexpr int count = 50;
  std::vector<std::vector<std::uint8_t>> stacks;
  const long before = resident_bytes();
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) {
    stacks.emplace_back(DEFAULT_STACK_SIZE);
  }
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
  std::printf("%-64s %12.1f ns (one run)\n", "stack: std::vector of 2 MiB, filled with zeroes, fresh",
              took.count() / count);
  std::printf("%-64s %12ld bytes\n", "memory: std::vector of 2 MiB", (resident_bytes() - before) / count);
}

// Also the time of it: these stacks were never used before, and never will be again.
void memory_of_fresh_pooled_stacks() {
  constexpr int count = 20'000;
  weft::detail::stack_cache cache;
  std::vector<weft::detail::stack*> taken(count);
  const long before = resident_bytes();
  const auto start = std::chrono::steady_clock::now();
  for (weft::detail::stack*& s : taken) {
    s = take(cache);
    touch(reinterpret_cast<unsigned char*>(s->top()));
  }
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
  std::printf("%-64s %12ld bytes\n", "memory: 256 KiB from weft's pool, guarded, first page touched",
              (resident_bytes() - before) / count);
  std::printf("%-64s %12.1f ns (one run)\n", "stack: 256 KiB from weft's pool, guarded, never used before",
              took.count() / count);
  for (weft::detail::stack* s : taken) {
    cache.put(s);
  }
}

}  // namespace
}  // namespace steps

int main() {
  using namespace steps;
  std::printf("%-64s %12s\n", "", "least / median of 7");
  memory_of_vectors();
  memory_of_fresh_pooled_stacks();  // before anything has warmed the pool
  ping_pong<&steps_switch_ret>("switch: seven registers, ret (naked_fibers)", false);
  ping_pong<&steps_switch_jmp>("switch: seven registers, pop and jmp", false);
  ping_pong<&steps_switch_fp_load>("switch: and floating-point words, always loaded", true);
  ping_pong<&steps_switch_fp_compare>("switch: and floating-point words, loaded where they differ", true);
  registers_ping_pong();
  inline_ping_pong();
  round_robin(4, switches / 3);
  round_robin(100, 200'000);
  round_robin(10'000, 2'000);
  ready_queue();
  new_stacks();
  pooled_stacks();
  return 0;
}
