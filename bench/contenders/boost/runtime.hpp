// A runtime of Boost.Fiber: threads, their scheduler, and stacks, set up as serves it best.
//
// One thread: round robin, and stacks of 64 KiB from its pool, which is the fastest for many short fibers. Several: its
// work-stealing scheduler, whose idle threads look for work without sleeping, as its examples have it: one that sleeps
// is not told of work that it could steal. Then stacks come from malloc, because the pool is not thread-safe; and malloc
// is told to keep what it has, else batches of stacks come from the kernel anew each time, at a hundred times the cost.
#pragma once
#include <cstddef>    // size_t
#include <exception>  // exception_ptr
#include <future>     // async
#include <limits>     // most of an int
#include <malloc.h>   // mallopt
#include <memory>     // allocator_arg
#include <mutex>      // unique_lock
#include <thread>     // workers
#include <utility>    // forward
#include <vector>     // workers

#include <boost/fiber/all.hpp>

#include "contenders/common/figures.hpp"
#include "contenders/common/options.hpp"

namespace contenders::boost_fiber {

namespace fibers = boost::fibers;

constexpr std::size_t stack_bytes = std::size_t{64} * 1024;
// A pool takes its memory by twice as much each time, and the kernel refuses more than the machine has at once.
constexpr std::size_t most_stacks_at_once = 4096, first_stacks = 32;

template <class Stacks, class F>
fibers::fiber spawn(Stacks& stacks, F&& f, fibers::launch when = fibers::launch::post) {
  return fibers::fiber(when, std::allocator_arg, stacks, std::forward<F>(f));
}

// Work-stealing threads besides the calling one, which is one of `workers`. Its state is static: once in a process.
class stealing_threads {
 public:
  stealing_threads(unsigned workers, bool idle_sleeps) {
    for (unsigned i = 1; i < workers; ++i) {
      others_.emplace_back([this, workers, idle_sleeps] {
        fibers::use_scheduling_algorithm<fibers::algo::work_stealing>(workers, idle_sleeps);
        std::unique_lock guard(lock_);
        ended_.wait(guard, [&] { return done_; });
      });
    }
    fibers::use_scheduling_algorithm<fibers::algo::work_stealing>(workers, idle_sleeps);
  }
  ~stealing_threads() {
    {
      const std::unique_lock guard(lock_);
      done_ = true;
    }
    ended_.notify_all();
    for (auto& t : others_) t.join();
  }

 private:
  fibers::mutex lock_;
  fibers::condition_variable ended_;
  bool done_ = false;
  std::vector<std::thread> others_;
};

// `body(stacks)` inside such a runtime, on a thread of its own, so that no scheduler outlives its run.
template <class Body>
figures inside(const options& o, Body&& body, bool idle_sleeps = false) {
  ::mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  ::mallopt(M_ARENA_MAX, 1);  // the others give their memory back whatever the threshold
  return std::async(std::launch::async,
                    [&]() -> figures {
                      const std::size_t bytes = o.stack_or(stack_bytes);
                      if (o.workers == 1) {
                        fibers::pooled_fixedsize_stack stacks(bytes, first_stacks, most_stacks_at_once);
                        return body(stacks);
                      }
                      const stealing_threads threads(o.workers, idle_sleeps);
                      fibers::fixedsize_stack stacks(bytes);
                      return body(stacks);
                    })
      .get();
}

inline void join_all(std::vector<fibers::fiber>& all) {
  for (auto& f : all) f.join();
  all.clear();
}

}  // namespace contenders::boost_fiber
