// The workloads on Boost.Fiber: round robin and pooled 64 KiB stacks on one thread, which is the best it offers for many
// short fibers; on several threads its work-stealing scheduler and stacks from malloc, because its pool is not thread-safe.
#include <memory>      // shared state of a run
#include <sys/wait.h>  // waitpid
#include <thread>      // workers
#include <unistd.h>    // fork, pipe
#include <vector>      // handles

#include <boost/fiber/all.hpp>

#include "compare/contenders.hpp"

namespace compare {
namespace {

using stacks = boost::fibers::pooled_fixedsize_stack;
using shared_stacks = boost::fibers::fixedsize_stack;
constexpr std::size_t stack_bytes = 64 * 1024;

// Boost's work-stealing scheduler keeps its threads in static state that can be set up once in a process: so a
// measurement with several threads gets a process of its own.
template <class F>
double in_child(F body) {
  int ends[2];
  if (::pipe(ends) != 0) return 0;
  const pid_t child = ::fork();
  if (child == 0) {
    const double measured = body();
    const bool sent = ::write(ends[1], &measured, sizeof measured) == sizeof measured;
    ::_exit(sent ? 0 : 1);
  }
  ::close(ends[1]);
  double measured = 0;
  const bool received = child > 0 && ::read(ends[0], &measured, sizeof measured) == sizeof measured;
  ::close(ends[0]);
  if (child > 0) ::waitpid(child, nullptr, 0);
  return received ? measured : 0;
}

// Runs `body` on a pool of `workers` threads, the calling one included, and gives its result back.
template <class F>
double on(unsigned workers, F body) {
  double result = 0;
  std::thread([&] {  // a thread of its own, so that no scheduler outlives its run
    if (workers == 1) {
      result = body();
      return;
    }
    boost::fibers::mutex lock;
    boost::fibers::condition_variable ended;
    bool done = false;
    std::vector<std::thread> others;
    for (unsigned i = 1; i < workers; ++i) {
      others.emplace_back([&, workers] {
        boost::fibers::use_scheduling_algorithm<boost::fibers::algo::work_stealing>(workers, true);
        std::unique_lock guard(lock);
        ended.wait(guard, [&] { return done; });
      });
    }
    boost::fibers::use_scheduling_algorithm<boost::fibers::algo::work_stealing>(workers, true);
    result = body();
    {
      const std::unique_lock guard(lock);
      done = true;
    }
    ended.notify_all();
    for (auto& t : others) t.join();
  })
      .join();
  return result;
}

template <class Stacks, class F>
boost::fibers::fiber spawn(Stacks& pool, F f) {
  return boost::fibers::fiber(boost::fibers::launch::post, std::allocator_arg, pool, std::move(f));
}

// As for weft.
double yield(std::size_t fibers, std::size_t yields) {
  return on(1, [=] {
    stacks pool(stack_bytes);
    const std::size_t each = yields / fibers;
    std::size_t started = 0;
    double ns = 0;
    stopwatch time;
    std::vector<boost::fibers::fiber> all;
    all.reserve(fibers);
    for (std::size_t i = 0; i < fibers; ++i) {
      all.push_back(spawn(pool, [&] {
        if (++started == fibers) time = stopwatch();
        while (started < fibers) boost::this_fiber::yield();
        for (std::size_t n = 0; n < each; ++n) boost::this_fiber::yield();
        ns = time.ns();
      }));
    }
    for (auto& f : all) f.join();
    return ns / static_cast<double>(each * fibers);
  });
}

template <class Stacks>
double spawn_join_on(unsigned workers, std::size_t count) {
  return on(workers, [=] {
    Stacks pool(stack_bytes);
    for (std::size_t i = 0; i < count / 10; ++i) spawn(pool, [] {}).join();
    const stopwatch time;
    for (std::size_t i = 0; i < count; ++i) spawn(pool, [] {}).join();
    return time.ns() / static_cast<double>(count);
  });
}

double spawn_join(unsigned workers, std::size_t count) {
  return workers == 1 ? spawn_join_on<stacks>(workers, count)
                      : in_child([=] { return spawn_join_on<shared_stacks>(workers, count); });
}

template <class Stacks>
double spawn_batch_on(unsigned workers, std::size_t batch, std::size_t rounds) {
  return on(workers, [=] {
    Stacks pool(stack_bytes);
    std::vector<boost::fibers::fiber> all;
    all.reserve(batch);
    const auto round = [&] {
      for (std::size_t i = 0; i < batch; ++i) all.push_back(spawn(pool, [] {}));
      for (auto& f : all) f.join();
      all.clear();
    };
    round();
    const stopwatch time;
    for (std::size_t r = 0; r < rounds; ++r) round();
    return time.ns() / static_cast<double>(batch * rounds);
  });
}

double spawn_batch(unsigned workers, std::size_t batch, std::size_t rounds) {
  return workers == 1 ? spawn_batch_on<stacks>(workers, batch, rounds)
                      : in_child([=] { return spawn_batch_on<shared_stacks>(workers, batch, rounds); });
}

}  // namespace

const contender* boost_contender() {
  static constexpr contender c{"Boost.Fiber", &yield, &spawn_join, &spawn_batch};
  return &c;
}

}  // namespace compare
