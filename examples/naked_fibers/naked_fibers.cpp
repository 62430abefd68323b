// naked_fibers: a complete fiber runtime in one file, and the system that weft grew out of.
//
// Its one idea: a function call already saves half of the CPU's registers, because the calling convention makes the
// caller save them. Whoever saves the other half, the seven callee-saved ones, has saved the whole thread of execution.
// A fiber is then a stack and seven words, and a switch is fourteen moves and a `ret`.
//
// Linux (or any System V system) on x86-64; GCC or Clang. Compiles alone, at any optimization level:
//   g++ -std=c++20 -Wall -Wextra naked_fibers.cpp -o naked_fibers && ./naked_fibers
// docs/from-naked-fibers.md walks from here to weft, one limit at a time.
#include <cstddef>  // size_t, offsetof
#include <cstdint>  // fixed-width integers
#include <cstdio>   // printf
#include <cstdlib>  // abort
#include <vector>   // threads, stacks

// How to compile a function whose body is assembly alone.
//   naked    no prologue and no epilogue: the compiler must not touch the stack at the moment it changes
//   noinline a caller's frame around the body would be such a prologue
//   no_...   counters, hooks and canaries would clobber registers that are not ours, or write to a stack we have left
//   noipa    (GCC) callers must assume the worst about registers, instead of reading the empty-looking body; Clang
//            believes nothing about a naked body and does not know the word
#if defined(__clang__)
#define NAKED [[gnu::naked, gnu::noinline, gnu::no_instrument_function, gnu::no_profile_instrument_function]]
#else
#define NAKED                                                                                                  \
  [[gnu::naked, gnu::noinline, gnu::noclone, gnu::noipa, gnu::no_instrument_function, gnu::no_stack_protector, \
    gnu::no_profile_instrument_function]]
#endif

namespace {

constexpr std::size_t DEFAULT_STACK_SIZE = std::size_t{2} * 1024 * 1024;
constexpr std::size_t MAX_THREADS = 4;  // the first of them is main() itself

// The registers that a call must preserve, by the System V ABI. All others were saved by whoever called the switch.
struct ThreadContext {
  std::uint64_t rsp = 0;
  std::uint64_t r15 = 0;
  std::uint64_t r14 = 0;
  std::uint64_t r13 = 0;
  std::uint64_t r12 = 0;
  std::uint64_t rbx = 0;
  std::uint64_t rbp = 0;
};
// The assembly below knows these offsets.
static_assert(sizeof(ThreadContext) == 0x38);
static_assert(offsetof(ThreadContext, rsp) == 0x00 && offsetof(ThreadContext, r15) == 0x08);
static_assert(offsetof(ThreadContext, r14) == 0x10 && offsetof(ThreadContext, r13) == 0x18);
static_assert(offsetof(ThreadContext, r12) == 0x20 && offsetof(ThreadContext, rbx) == 0x28);
static_assert(offsetof(ThreadContext, rbp) == 0x30);

enum class State {
  Available,  // free: a new function may be assigned to it
  Running,    // its registers are in the CPU, and ctx is stale
  Ready,      // suspended: ctx says how to go on
};

struct Thread {
  std::vector<std::uint8_t> stack;  // empty for the first thread: it keeps the stack that the system gave main()
  ThreadContext ctx;
  State state = State::Available;
};

// rdi = where to save the running thread's registers, rsi = the registers of the thread to go on with.
// At entry the return address is on top of the stack. It is saved with the stack it lies on, so `ret`, executed on the
// other stack, returns to where that thread had called the switch.
extern "C" NAKED void naked_switch(ThreadContext* /*save*/, const ThreadContext* /*load*/) {
  asm(R"(
    movq %rsp, 0x00(%rdi)
    movq %r15, 0x08(%rdi)
    movq %r14, 0x10(%rdi)
    movq %r13, 0x18(%rdi)
    movq %r12, 0x20(%rdi)
    movq %rbx, 0x28(%rdi)
    movq %rbp, 0x30(%rdi)
    movq 0x00(%rsi), %rsp    # ---- from here on we stand on the other stack
    movq 0x08(%rsi), %r15
    movq 0x10(%rsi), %r14
    movq 0x18(%rsi), %r13
    movq 0x20(%rsi), %r12
    movq 0x28(%rsi), %rbx
    movq 0x30(%rsi), %rbp
    ret
  )");
}

// Returns to the next word of the stack: a step of eight bytes, see Runtime::spawn.
extern "C" NAKED void naked_skip() { asm("ret"); }

struct Runtime {
  std::vector<Thread> threads;
  std::size_t current = 0;

  Runtime();
  Runtime(const Runtime&) = delete;  // naked_switch was told addresses inside `threads`
  Runtime& operator=(const Runtime&) = delete;
  ~Runtime();

  void spawn(void (*function)());  // makes an available thread ready to run `function`
  bool t_yield();                  // runs the next ready thread; false when there is none
  [[noreturn]] void t_return();    // ends the current thread
  void run();                      // until every spawned thread has ended
};

// How a function on any stack finds the runtime. Not pretty, but it keeps the rest in view.
Runtime* RUNTIME = nullptr;

// Where a thread's function returns to.
void guard() { RUNTIME->t_return(); }

Runtime::Runtime() : threads(MAX_THREADS) {
  threads[0].state = State::Running;  // the thread that is running this line
  for (std::size_t i = 1; i < MAX_THREADS; ++i) {
    threads[i].stack.resize(DEFAULT_STACK_SIZE);
  }
  RUNTIME = this;
}

Runtime::~Runtime() { RUNTIME = nullptr; }

// A new thread's stack looks as if it had been suspended at the first instruction of `function`. Its top, downwards:
//   top - 08   0             end of the stack, for debuggers that walk it
//   top - 10   guard         naked_skip's `ret` comes here, with rsp = top - 08
//   top - 18   naked_skip    the function's own `ret` comes here
//   top - 20   function      the `ret` of naked_switch comes here, with rsp = top - 18
// The ABI wants rsp = 16n + 8 at the entry of a function, as if it had just been called: true for `function` and for
// guard, because naked_skip stands between them.
void Runtime::spawn(void (*function)()) {
  for (std::size_t i = 1; i < threads.size(); ++i) {
    Thread& thread = threads[i];
    if (thread.state != State::Available) {
      continue;
    }
    auto end = reinterpret_cast<std::uintptr_t>(thread.stack.data() + thread.stack.size());
    auto* top = reinterpret_cast<std::uint64_t*>(end & ~std::uintptr_t{15});
    top[-1] = 0;
    top[-2] = reinterpret_cast<std::uint64_t>(&guard);
    top[-3] = reinterpret_cast<std::uint64_t>(&naked_skip);
    top[-4] = reinterpret_cast<std::uint64_t>(function);
    thread.ctx = ThreadContext{};
    thread.ctx.rsp = reinterpret_cast<std::uint64_t>(top - 4);
    thread.state = State::Ready;
    return;
  }
  std::fprintf(stderr, "no available thread: at most %zu may be alive\n", MAX_THREADS - 1);
  std::abort();
}

// Round robin: the next ready thread after the current one.
bool Runtime::t_yield() {
  std::size_t next = current;
  do {
    next = (next + 1) % threads.size();
    if (next == current) {
      return false;
    }
  } while (threads[next].state != State::Ready);

  Thread& from = threads[current];
  Thread& to = threads[next];
  if (from.state == State::Running) {  // not when it has just ended
    from.state = State::Ready;
  }
  to.state = State::Running;
  current = next;
  naked_switch(&from.ctx, &to.ctx);
  return true;  // on the stack of `from` again: somebody has switched back to it
}

void Runtime::t_return() {
  threads[current].state = State::Available;
  t_yield();
  std::abort();  // not reached: the first thread is always ready, and nobody resumes an available one
}

void Runtime::run() {
  while (t_yield()) {
  }
}

// What a fiber calls to let the others run.
void yield_thread() { RUNTIME->t_yield(); }

void count(int thread, int limit) {
  std::printf("THREAD %d STARTING\n", thread);
  for (int i = 0; i < limit; ++i) {
    std::printf("thread: %d counter: %d\n", thread, i);
    yield_thread();
  }
  std::printf("THREAD %d FINISHED\n", thread);
}

}  // namespace

int main() {
  Runtime runtime;
  runtime.spawn([] { count(1, 10); });
  runtime.spawn([] { count(2, 15); });
  runtime.run();
  return 0;
}
