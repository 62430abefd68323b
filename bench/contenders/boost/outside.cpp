// Work from a plain thread. Boost.Fiber has no call for it: what it offers is a channel, whose receiving fiber runs the
// work, or a new fiber for it. Any other way would need a queue of one's own.
#include <cstdint>     // uint64_t
#include <functional>  // function
#include <future>      // the plain thread

#include "contenders/boost/runtime.hpp"
#include "contenders/boost/workloads.hpp"
#include "contenders/common/all_done.hpp"
#include "contenders/common/program.hpp"
#include "contenders/common/repeat.hpp"
#include "contenders/common/stopwatch.hpp"
#include "contenders/common/wake.hpp"

namespace contenders::boost_fiber {
namespace {

using jobs = fibers::buffered_channel<std::function<void()>>;
constexpr std::size_t waiting_jobs = 1024;

// `ask(jobs)` on a plain thread, while the runtime does `take(stacks, job)` with each job.
template <class Ask, class Take>
figures served(const options& o, Ask&& ask, Take&& take) {
  return inside(o, [&](auto& stacks) {
    jobs channel(waiting_jobs);
    std::future<figures> result = std::async(std::launch::async, [&] {
      try {
        const figures measured = ask(channel);
        channel.close();
        return measured;
      } catch (...) {
        channel.close();
        throw;
      }
    });
    for (std::function<void()> job; channel.pop(job) == fibers::channel_op_status::success;) take(stacks, job);
    return result.get();
  });
}

const auto call = [](auto&, std::function<void()>& job) { job(); };

}  // namespace

figures spawn_outside(const options& o) {
  const std::size_t size = o.size_or(10'000);
  return served(
      o,
      [&](jobs& channel) {
        return repeat(o, size, [&](std::uint64_t n) -> timed {
          const std::uint64_t rounds = batches(n, size);
          const stopwatch watch;
          for (std::uint64_t r = 0; r < rounds; ++r) {
            all_done done(size);
            for (std::size_t i = 0; i < size; ++i) channel.push([&] { done.one(); });
            done.wait();
          }
          return {watch.ns(), rounds * size};
        });
      },
      [](auto& stacks, std::function<void()>& job) { spawn(stacks, std::move(job)).detach(); });
}

figures post(const options& o) {
  return served(
      o,
      [&](jobs& channel) {
        return repeat(o, 0, [&](std::uint64_t n) -> timed {
          all_done done(n);
          const stopwatch watch;
          for (std::uint64_t i = 0; i < n; ++i) channel.push([&] { done.one(); });
          done.wait();
          return {watch.ns(), n};
        });
      },
      call);
}

// One thread: of several, the idle ones would have to spin, see runtime.hpp.
figures wake(const options& o) {
  need_one_worker(o);
  return served(
      o, [&](jobs& channel) { return wake_figures(o, [&](moment& ran) { channel.push([&] { ran.is_now(); }); }); },
      call);
}

}  // namespace contenders::boost_fiber
