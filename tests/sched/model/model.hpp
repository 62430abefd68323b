// Model tests of the scheduler's lock-free core: the shipped headers run on a model checker's atomics, which let every
// thread be interrupted everywhere and let weakly ordered loads return old values.
// The one idea: a model proves little unless it can fail. So each one also runs mutants, the same header with one
// memory order weakened or one step left out, and passes only if the checker finds every one of them guilty.
#pragma once
#include <cstdlib>     // getenv
#include <cstring>     // strsignal
#include <iostream>    // verdicts
#include <new>         // nothrow_t
#include <sys/wait.h>  // waitpid
#include <unistd.h>    // fork

#include <weft/base/atomic.hpp>  // memory orders: before the checker redefines their names

#include <relacy/relacy.hpp>  // the model checker

// The checker's header redefines these for code written against it; ours passes its own wrappers.
#undef new
#undef delete
#undef malloc
#undef calloc
#undef realloc
#undef free
#undef assert
#undef errno
#undef memory_order_relaxed
#undef memory_order_consume
#undef memory_order_acquire
#undef memory_order_release
#undef memory_order_acq_rel
#undef memory_order_seq_cst

// The checker replaces the throwing form only; the standard library's version of this one need not call it.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  try {
    return ::operator new(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

namespace model {

using std::memory_order;

inline rl::memory_order to_rl(memory_order order) {
  switch (order) {
    case memory_order::relaxed:
      return rl::mo_relaxed;
    case memory_order::consume:
      return rl::mo_consume;
    case memory_order::acquire:
      return rl::mo_acquire;
    case memory_order::release:
      return rl::mo_release;
    case memory_order::acq_rel:
      return rl::mo_acq_rel;
    case memory_order::seq_cst:
      return rl::mo_seq_cst;
  }
  return rl::mo_seq_cst;
}

// The checker's atomic with the interface of std::atomic, as far as the shipped headers use it.
template <class T>
class checked_atomic {
 public:
  checked_atomic() = default;
  checked_atomic(T value) : value_(value) {}
  checked_atomic(const checked_atomic&) = delete;
  checked_atomic& operator=(const checked_atomic&) = delete;

  T load(memory_order o) const { return value_.load(to_rl(o), $); }
  void store(T v, memory_order o) { value_.store(v, to_rl(o), $); }
  T exchange(T v, memory_order o) { return value_.exchange(v, to_rl(o), $); }
  T fetch_add(T v, memory_order o) { return value_.fetch_add(v, to_rl(o), $); }
  T fetch_sub(T v, memory_order o) { return value_.fetch_sub(v, to_rl(o), $); }
  T fetch_and(T v, memory_order o) { return value_.fetch_and(v, to_rl(o), $); }
  bool compare_exchange_weak(T& expected, T v, memory_order success, memory_order failure) {
    return value_.compare_exchange_weak(expected, v, to_rl(success), $, to_rl(failure), $);
  }
  bool compare_exchange_strong(T& expected, T v, memory_order success, memory_order failure) {
    return value_.compare_exchange_strong(expected, v, to_rl(success), $, to_rl(failure), $);
  }

 private:
  rl::atomic<T> value_;
};

// The policy that takes the place of real_atomics.
struct checked_atomics {
  template <class T>
  using atomic = checked_atomic<T>;
};

// A plain variable: any two accesses of different threads that are not ordered are reported as a data race.
template <class T>
class plain {
 public:
  plain() : value_(T()) {}
  plain(T v) : value_(v) {}
  plain(const plain& other) : value_(static_cast<T>(other)) {}
  plain& operator=(const plain& other) { return *this = static_cast<T>(other); }
  plain& operator=(T v) {
    value_($).store(v);
    return *this;
  }
  operator T() const { return value_($).load(); }
  T operator->() const { return *this; }

 private:
  rl::var<T> value_;
};

// A node of the intrusive queues; `payload` is what the queue has to make visible to whoever takes the node.
struct node {
  plain<node*> next{nullptr};
  plain<int> payload{0};
};

// Counts and wakes like a futex or an event descriptor: a wake-up that comes early is kept.
class gate {
 public:
  void open() { rl_semaphore_.init(false, 0, 1000, $); }
  void close() { rl_semaphore_.deinit($); }
  void post() {
    unsigned before = 0;
    rl_semaphore_.post(1, before, $);
  }
  void wait() { rl_semaphore_.wait(false, false, $); }

 private:
  rl::semaphore<gate> rl_semaphore_;
};

// Lets the others run; for loops that wait for them.
inline void step_back() { rl::yield(1, $); }

// ---- running

// Iterations of a model by default; with WEFT_SOAK=1 a hundred times as many.
inline rl::iteration_t iterations(rl::iteration_t normal) {
  const char* const soak = std::getenv("WEFT_SOAK");
  return soak != nullptr && *soak == '1' ? normal * 100 : normal;
}

// Runs random schedules, each drawn from its number. On failure the last one is run again and told in `log`. Not by
// rl::simulate, which compiles the checker for two more ways of searching.
template <class Test>
rl::test_result_e run(rl::iteration_t count, std::ostream& log, rl::iteration_t& stopped_at) {
  using scheduler = rl::random_scheduler<Test::params::thread_count>;
  rl::test_params params;
  params.iteration_count = count;
  params.output_stream = &log;
  params.progress_stream = &log;
  params.execution_depth_limit = 10000;
  rl::ostringstream failing;
  const rl::test_result_e result = rl::run_test<Test, scheduler>(params, failing, false);
  stopped_at = params.stop_iteration;
  if (result != rl::test_result_success) {
    params.initial_state = failing.str();
    params.collect_history = true;
    rl::ostringstream unused;
    rl::run_test<Test, scheduler>(params, unused, true);
  }
  return result;
}

class suite {
 public:
  explicit suite(const char* name) : name_(name) {}

  // The shipped code: no schedule may fail.
  template <class Test>
  void holds(const char* what, rl::iteration_t normal) {
    rl::ostringstream log;  // its memory is not taken for that of the code under test
    rl::iteration_t at = 0;
    const rl::test_result_e result = run<Test>(iterations(normal), log, at);
    std::cout << name_ << ": " << what << ": ";
    if (result == rl::test_result_success) {
      std::cout << "holds in " << at << " schedules" << std::endl;
    } else {
      std::cout << "FAILS in schedule " << at << ": " << rl::test_result_str(result) << '\n' << log.str() << std::endl;
      failed_ = true;
    }
    ++checks_;
  }

  // A weakened copy: some schedule has to fail. In a process of its own: what `mutate` changes ends with it, as does
  // the harm of a wrong pointer that is followed (which counts as caught).
  template <class Test, class Mutate = void (*)()>
  void catches(
      const char* mutant, rl::iteration_t most, Mutate mutate = [] {}) {
    ++checks_;
    std::cout << name_ << ": mutant " << mutant << ": " << std::flush;
    const pid_t child = ::fork();
    if (child == 0) {
      mutate();
      rl::ostringstream log;
      rl::iteration_t at = 0;
      const rl::test_result_e result = run<Test>(most, log, at);
      if (result != rl::test_result_success) {
        std::cout << "caught in schedule " << at << " (" << rl::test_result_str(result) << ")" << std::endl;
      }
      ::_exit(result == rl::test_result_success ? survived : caught);
    }
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child) {
      std::cout << "could not be run" << std::endl;
      failed_ = true;
    } else if (WIFSIGNALED(status)) {
      std::cout << "caught (" << ::strsignal(WTERMSIG(status)) << ")" << std::endl;
    } else if (WEXITSTATUS(status) != caught) {
      std::cout << "SURVIVES " << most << " schedules" << std::endl;
      failed_ = true;
    }
  }

  int finish() const {
    std::cout << name_ << ": " << checks_ << " checks, " << (failed_ ? "FAILED" : "all as expected") << std::endl;
    return failed_ || checks_ == 0 ? 1 : 0;
  }

 private:
  static constexpr int caught = 0, survived = 3;  // exit statuses of a mutant's process
  const char* name_;
  unsigned checks_ = 0;
  bool failed_ = false;
};

}  // namespace model
