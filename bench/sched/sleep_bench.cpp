// A million fibers that sleep: what timers cost at scale. Beside it the bare loop that creates as many stacks.
//
//   sleep_bench [fibers, default 1000000] [workers, 2] [rounds, 2]
//
// Each fiber sleeps once, for 1 to 2 s drawn from a fixed seed. Figures of each round, the first of which starts cold:
// seconds beyond the longest sleep (counted from the first spawn), seconds until all have begun to sleep, CPU seconds,
// and the latest that a fiber woke. Then a burst: as many fibers as given, at most 100,000, wait for one and the same
// moment, while one fiber yields in a loop: how late the last of them woke, and the longest that the yielding one waited.
// The loop and the rounds are processes of their own, in turn, twice: a machine's first pages can cost ten times more.
#include <algorithm>       // max
#include <atomic>          // latest wake-up
#include <chrono>          // steady_clock
#include <cstdint>         // uint64_t
#include <cstdio>          // printf
#include <cstdlib>         // strtoul
#include <ctime>           // clock_gettime
#include <sys/mman.h>      // mmap
#include <sys/resource.h>  // getrusage
#include <sys/wait.h>      // waitpid
#include <unistd.h>        // fork
#include <vector>          // handles

#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>

#include "stack/depot.hpp"  // set_depot_high_water
#include "stack/guard.hpp"  // guard_bytes
#include "stack/os.hpp"     // advise_ranges

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

double seconds(clock::duration d) { return std::chrono::duration<double>(d).count(); }

double cpu_seconds() {
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  return static_cast<double>(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
         static_cast<double>(use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1e-6;
}

// Map once, open and guard by the batch, touch each top page: the least that creating stacks can cost.
double bare_loop(std::size_t n) {
  constexpr std::size_t slot = std::size_t{256} * 1024, batch = 64;
  const auto start = clock::now();
  void* const at = ::mmap(nullptr, (n + batch) * slot, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) return 0;
  for (std::size_t i = 0; i < n; i += batch) {
    std::byte* const first = static_cast<std::byte*>(at) + i * slot;
    ::mprotect(first, batch * slot, PROT_READ | PROT_WRITE);
    iovec guards[batch];
    for (std::size_t k = 0; k < batch; ++k) guards[k] = {first + k * slot, weft::detail::guard_bytes(slot)};
    int error = 0;
    weft::detail::advise_ranges(guards, batch, weft::detail::madv_guard_install, true, error);
    for (std::size_t k = 0; k < batch; ++k) first[(k + 1) * slot - 1] = std::byte{1};
  }
  const double took = seconds(clock::now() - start);
  ::munmap(at, (n + batch) * slot);
  return took;
}

// By this clock a thread does not see when the machine runs something else.
std::chrono::nanoseconds thread_cpu() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

std::atomic<std::int64_t> latest_ns{0};

void note_lateness(clock::duration late) {
  const std::int64_t ns = std::chrono::nanoseconds(late).count();
  for (std::int64_t seen = latest_ns; ns > seen && !latest_ns.compare_exchange_weak(seen, ns);) {
  }
}

void sleep_round(weft::runtime& rt, std::size_t count, const char* name) {
  latest_ns = 0;
  const double cpu = cpu_seconds();
  const auto start = clock::now();
  clock::duration longest{};
  std::atomic<std::size_t> asleep{0};
  double all_asleep = 0;
  rt.run([&] {
    std::vector<weft::fiber<>> all;
    all.reserve(count);
    std::uint64_t state = 1;
    for (std::size_t i = 0; i < count; ++i) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      const auto d = 1s + std::chrono::nanoseconds(state >> 34) * 1'000'000'000 / (std::int64_t{1} << 30);
      longest = std::max<clock::duration>(longest, d);
      all.push_back(weft::spawn([&, d] {
        const auto until = clock::now() + d;
        if (asleep.fetch_add(1, std::memory_order_relaxed) + 1 == count) all_asleep = seconds(until - d - start);
        weft::this_fiber::sleep_until(until);
        note_lateness(clock::now() - until);
      }));
    }
    for (auto& f : all) f.join();
  });
  std::printf(
      "%-5s beyond the longest sleep %5.2f s   all asleep after %5.2f s   CPU %5.2f s   latest wake-up %7.1f ms\n",
      name, seconds(clock::now() - start - longest), all_asleep, cpu_seconds() - cpu,
      static_cast<double>(latest_ns) * 1e-6);
}

void burst(weft::runtime& rt, std::size_t count) {
  latest_ns = 0;
  clock::duration longest{};
  rt.run([&] {
    std::vector<weft::fiber<>> all;
    const auto until = clock::now() + 2s;
    for (std::size_t i = 0; i < count; ++i) {
      all.push_back(weft::spawn([until] {
        weft::this_fiber::sleep_until(until);
        note_lateness(clock::now() - until);
      }));
    }
    weft::this_fiber::sleep_until(until - 100ms);
    for (auto before = thread_cpu(); clock::now() < until + 300ms;) {
      weft::this_fiber::yield();
      const auto now = thread_cpu();
      longest = std::max<clock::duration>(longest, now - before);
      before = now;
    }
    for (auto& f : all) f.join();
  });
  std::printf(
      "burst  of %zu: the last woke after %.1f ms, a yielding fiber waited %.3f ms of its thread's CPU time at most\n",
      count, static_cast<double>(latest_ns) * 1e-6, std::chrono::duration<double, std::milli>(longest).count());
}

template <class Body>
void in_child(Body&& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    body();
    std::fflush(nullptr);
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1'000'000;
  const auto workers = static_cast<unsigned>(argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 2);
  const std::size_t rounds = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 2;
  for (int turn = 0; turn < 2; ++turn) {
    in_child([&] {
      const double cpu = cpu_seconds();
      const double took = bare_loop(count);
      std::printf("bare loop of as many stacks %.2f s   CPU %.2f s\n", took, cpu_seconds() - cpu);
    });
    in_child([&] {
      weft::detail::set_depot_high_water(
          count);  // else most stacks give their pages back, and the second round is cold
      weft::runtime rt(weft::runtime_options{.workers = workers});
      for (std::size_t i = 0; i < rounds; ++i) sleep_round(rt, count, i == 0 ? "cold" : "warm");
      burst(rt, std::min<std::size_t>(count, 100'000));
    });
  }
}
