// The worker that runs the calling thread: the one thread-local of the library that fibers see.
//
// A compiler may keep a thread-local's address, or its value, in a register across a stackful switch, after which the code
// may run on another thread. So this one is read by instructions that it can neither look into, merge nor leave out.
#pragma once

namespace weft::inline v0::detail {

class worker;

// The name that the instructions know it by, in the library's own part of each thread's static block.
#define WEFT_RUNNING_WORKER "weft_v0_running_worker"
extern constinit thread_local worker* running_worker __asm__(WEFT_RUNNING_WORKER)
    __attribute__((visibility("hidden"), tls_model("initial-exec")));

void set_current_worker(worker* w) noexcept;

// The worker whose thread calls, or null.
worker* current_worker() noexcept;

}  // namespace weft::inline v0::detail

#if defined(__x86_64__)
#include "sched/x86_64_current.hpp"
#elif defined(__aarch64__)
#include "sched/aarch64_current.hpp"
#elif defined(__riscv)
#include "sched/riscv64_current.hpp"
#elif defined(__s390x__)
#include "sched/s390x_current.hpp"
#elif defined(__powerpc64__)
#include "sched/ppc64le_current.hpp"
#elif defined(__i386__)
#include "sched/i386_current.hpp"
#elif defined(__arm__)
#include "sched/armhf_current.hpp"
#endif
