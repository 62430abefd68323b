// The hot paths, one a run, for counting what they execute: instruction_counts_test.py.
#include <cstdio>   // printf
#include <cstdlib>  // strtol
#include <cstring>  // strcmp
#include <vector>   // handles

#include <weft/weft.hpp>

#include "context/switch.hpp"

namespace {

constexpr int exit_usage = 2;
constexpr long batch = 1000;

long hits = 0;  // what the work has done, so that none of it is optimized away

void spawn_and_join(long n) {
  for (; n > 0; --n) {
    weft::spawn([] { ++hits; }).join();
  }
}

void spawn_and_join_batches(long n) {
  std::vector<weft::fiber<>> all;
  all.reserve(batch);
  for (; n > 0; n -= batch) {
    for (long i = 0; i < batch; ++i) {
      all.push_back(weft::spawn([] { ++hits; }));
    }
    for (auto& f : all) {
      f.join();
    }
    all.clear();
  }
}

void yields(long n) {
  const auto half = [n] {
    for (long i = 0; i < n / 2; ++i) {
      weft::this_fiber::yield();
      ++hits;
    }
  };
  auto other = weft::spawn(half);
  half();
  other.join();
}

void lock_and_unlock(long n) {
  weft::mutex m;
  for (; n > 0; --n) {
    m.lock();
    ++hits;
    m.unlock();
  }
}

void rendezvous(long n) {
  weft::channel<int> numbers(0);
  auto sender = weft::spawn([&] {
    for (long i = 0; i < n; ++i) {
      numbers.send(1);
    }
  });
  for (long i = 0; i < n; ++i) {
    hits += numbers.receive().value_or(0);
  }
  sender.join();
}

void buffered_channel(long n) {
  weft::channel<int> numbers(1);
  for (; n > 0; --n) {
    numbers.send(1);
    hits += numbers.receive().value_or(0);
  }
}

long fork_join_fib(long n) {
  if (n < 2) {
    return 1;
  }
  long a = 0, b = 0;
  weft::parallel_invoke([&] { a = fork_join_fib(n - 1); }, [&] { b = fork_join_fib(n - 2); });
  return a + b;
}
void fork_join(long n) {
  for (; n > 0; n -= 88) {  // what fib(10) forks, by fib(n + 1) - 1 for each n
    hits += fork_join_fib(10);
  }
}

weft::detail::context host, guest;
alignas(16) char guest_stack[16384];
void be_guest(void* /*unused*/) noexcept {
  for (;;) {
    weft::detail::switch_context(guest, host);
  }
}
void switches(long n) {
  weft::detail::make_context(guest, guest_stack + sizeof guest_stack, be_guest, nullptr);
  for (; n > 0; n -= 2) {
    weft::detail::switch_context(host, guest);
    ++hits;
  }
}

struct path {
  const char* name;
  void (*run)(long);
};
constexpr path paths[] = {
    {"switch", switches},
    {"yield", yields},
    {"spawn_and_join", spawn_and_join},
    {"spawn_and_join_batches", spawn_and_join_batches},
    {"fork_join", fork_join},
    {"lock_and_unlock", lock_and_unlock},
    {"rendezvous", rendezvous},
    {"buffered_channel", buffered_channel},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc == 1) {
    for (const path& p : paths) {
      std::printf("%s\n", p.name);
    }
    return 0;
  }
  const long n = argc == 3 ? std::strtol(argv[2], nullptr, 10) : 0;
  for (const path& p : paths) {
    if (n > 0 && std::strcmp(p.name, argv[1]) == 0) {
      weft::run({.workers = 1}, [&] { p.run(n); });
      return hits > 0 ? 0 : 1;
    }
  }
  std::fprintf(stderr, "usage: %s PATH COUNT; without arguments: lists the paths\n", argv[0]);
  return exit_usage;
}
