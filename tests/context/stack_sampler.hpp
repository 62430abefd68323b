// Looks at stacks as a profiler does: a timer interrupts whatever runs, thousands of times a second, and the handler walks
// the stack in both ways there are, by unwind tables and by frame pointers.
//
// The tables must lead from every instruction to the end of the stack: the function a context was entered by, or where
// the C library starts a thread. Frame pointers must do so from every instruction of this program, whose code keeps
// them; the C library's does not. In the last two instructions of a switch the pointers to stack and frame belong to
// different contexts: a walk then tells of one of the two.
#pragma once
#include <cerrno>     // errno
#include <csignal>    // sigaction
#include <cstddef>    // size_t
#include <cstdint>    // uintptr_t
#include <cstdlib>    // abort
#include <ctime>      // timer_create
#include <thread>     // where threads start
#include <sys/uio.h>  // process_vm_readv
#include <unistd.h>   // getpid
#include <unwind.h>   // _Unwind_Backtrace

#include <weft/base/atomic.hpp>  // atomic

#include "base/signal_registers.hpp"

extern "C" {
void weft_context_entry() noexcept;  // where contexts begin
void weft_naked_entry() noexcept;
extern const char __executable_start, etext;  // the program's own code, by the linker
}
#if defined(__i386__)
// By which code finds its data. The linker keeps the one of the C library's start files, which has no unwind tables.
[[gnu::weak, gnu::visibility("hidden")]] extern const char undescribed asm("__x86.get_pc_thunk.bx");
inline constexpr std::uintptr_t undescribed_bytes = 4;
#else
inline constexpr char undescribed = 0;
inline constexpr std::uintptr_t undescribed_bytes = 0;
#endif

namespace weft::testing {

#if defined(__ARM_EABI_UNWINDER__)
inline constexpr _Unwind_Reason_Code stop_walk = _URC_FAILURE;  // there any other answer than "go on" is one
#else
inline constexpr _Unwind_Reason_Code stop_walk = _URC_NORMAL_STOP;
#endif

// What the samples found. Written by signal handlers, of any thread.
struct stack_samples {
  using counter = detail::atomic<std::size_t>;
  counter taken{0};
  counter on_contexts{0};       // taken while the stack pointer was on the stack of a context
  counter ended_in_context{0};  // walks by unwind tables that ended where a context begins
  counter ended_in_thread{0};   // ... where a thread begins
  counter ended_elsewhere{0};   // ... elsewhere, or not at all
  counter walked_by_fp{0};      // taken on contexts, in code that keeps frame pointers
  counter fp_of_another{0};     // of those, the frame pointer led to another kind of stack: between two instructions
  counter fp_failed{0};         // of the rest, walks by frame pointers that did not come to an end
  detail::atomic<std::uintptr_t> wrong_at{0};  // where one was interrupted that ended elsewhere, or failed
};

// One at a time. While it lives, threads that do not block SIGPROF are interrupted.
class stack_sampler {
 public:
  static constexpr long period_ns = 200'000;
  static constexpr std::size_t deepest = 200;  // frames; the tests have some 20
  // Whether an address is on the stack of a context, as the test knows.
  using is_context_stack = bool (*)(const void* address);

  // \param main_begins  Where the program's first thread begins, as begin_of_this_thread() tells there.
  stack_sampler(is_context_stack knows, std::uintptr_t main_begins) : is_context_(knows), main_begins_(main_begins) {
    std::thread([this] { thread_begins_ = begin_of_this_thread(); }).join();
    current() = this;
    struct sigaction action = {};
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    action.sa_sigaction = [](int, siginfo_t*, void* at) {
      const int kept = errno;  // the interrupted code may be about to look at it
      current()->sample(*static_cast<const ucontext_t*>(at));
      errno = kept;
    };
    sigevent event = {};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGPROF;
    const itimerspec every{{0, period_ns}, {0, period_ns}};
    // By a clock of real time: those of CPU time tick no faster than the kernel does, a few hundred times a second.
    if (::sigaction(SIGPROF, &action, &before_) != 0 || ::timer_create(CLOCK_MONOTONIC, &event, &timer_) != 0 ||
        ::timer_settime(timer_, 0, &every, nullptr) != 0) {
      std::abort();
    }
  }
  stack_sampler(const stack_sampler&) = delete;
  stack_sampler& operator=(const stack_sampler&) = delete;
  // \pre the threads that were interrupted have ended, or the caller is the only one
  ~stack_sampler() {
    ::timer_delete(timer_);
    struct sigaction ignore = {};
    ignore.sa_handler = SIG_IGN;  // takes pending ones away
    ::sigaction(SIGPROF, &ignore, nullptr);
    ::sigaction(SIGPROF, &before_, nullptr);
  }

  static std::uintptr_t begin_of_this_thread() {
    walk all;
    ::_Unwind_Backtrace(step, &all);
    return all.outermost;
  }

  stack_samples found;

 private:
  struct walk {
    std::size_t frames = 0;
    std::uintptr_t outermost = 0;
  };

  static stack_sampler*& current() noexcept {
    static stack_sampler* one;
    return one;
  }

  static void add(stack_samples::counter& counter) noexcept {
    counter.fetch_add(1, detail::memory_order_relaxed);  // relaxed: only a counter
  }
  static bool is_inside(std::uintptr_t pc, void (*entry)() noexcept) noexcept {
    constexpr std::uintptr_t longest_entry = 64;  // bytes; both are shorter
    return pc - reinterpret_cast<std::uintptr_t>(entry) < longest_entry;
  }
  static bool in_own_code(std::uintptr_t pc) noexcept {
    return pc >= reinterpret_cast<std::uintptr_t>(&__executable_start) && pc < reinterpret_cast<std::uintptr_t>(&etext);
  }

  static _Unwind_Reason_Code step(_Unwind_Context* context, void* into) {
    walk& w = *static_cast<walk*>(into);
    if (const std::uintptr_t pc = _Unwind_GetIP(context); pc != 0) w.outermost = pc;
    return ++w.frames < deepest ? _URC_NO_REASON : stop_walk;
  }

  // Reads by a system call: a wrong address is an answer, not a fault.
  static bool read(std::uintptr_t address, std::uintptr_t& out) noexcept {
    iovec to{&out, sizeof out};
    iovec from{reinterpret_cast<void*>(address), sizeof out};  // NOLINT: an address from a register
    return ::process_vm_readv(::getpid(), &to, 1, &from, 1, 0) == static_cast<ssize_t>(sizeof out);
  }
  // True: from `fp` on, records lead upward and to the null that stands at the end of a context's stack.
  static bool ends_in_null(std::uintptr_t fp) noexcept {
    for (std::size_t n = 0; n < deepest; ++n) {
      if (fp == 0) return true;
      detail::frame_record record{};
      if (!detail::caller_of(fp, read, record) || (record.caller_fp != 0 && record.caller_fp <= fp)) return false;
      fp = record.caller_fp;
    }
    return false;
  }

  void sample(const ucontext_t& at) noexcept {
    const detail::signal_registers in = detail::registers_of(at);
    if (in.pc - reinterpret_cast<std::uintptr_t>(&undescribed) < undescribed_bytes) return;
    walk tables;
    const bool to_the_end = ::_Unwind_Backtrace(step, &tables) == _URC_END_OF_STACK;
    if (to_the_end &&
        (is_inside(tables.outermost, weft_context_entry) || is_inside(tables.outermost, weft_naked_entry))) {
      add(found.ended_in_context);
    } else if (to_the_end && (tables.outermost == main_begins_ || tables.outermost == thread_begins_)) {
      add(found.ended_in_thread);
    } else {
      wrong(found.ended_elsewhere, in.pc);
    }
    if (on_context(in.sp)) {
      add(found.on_contexts);
      if (in_own_code(in.pc)) walk_by_fp(in.fp, in.pc);
    }
    add(found.taken);
  }
  void walk_by_fp(std::uintptr_t fp, std::uintptr_t pc) noexcept {
    add(found.walked_by_fp);
    if (fp != 0 && !on_context(fp)) {
      add(found.fp_of_another);
    } else if (!ends_in_null(fp)) {
      wrong(found.fp_failed, pc);
    }
  }
  bool on_context(std::uintptr_t address) const noexcept {
    return is_context_(reinterpret_cast<const void*>(address));  // NOLINT: an address from a register
  }
  void wrong(stack_samples::counter& counter, std::uintptr_t pc) noexcept {
    add(counter);
    found.wrong_at.store(pc, detail::memory_order_relaxed);  // relaxed: one of several is enough
  }

  is_context_stack is_context_;
  std::uintptr_t main_begins_;
  std::uintptr_t thread_begins_ = 0;
  timer_t timer_{};
  struct sigaction before_ = {};
};

}  // namespace weft::testing
