// What a stack costs to create, beside the bare loop that does no more than it must: map once, open and guard by the
// batch, touch each top page. Every measurement runs in a process of its own, the two kinds in turn, so that both meet
// the same page allocator; figures are the median and the minimum of all rounds.
//
//   stack_bench [stacks, default 1000000] [rounds, 3] [slot bytes, 262144]
#include <algorithm>   // sort
#include <cerrno>      // errno
#include <chrono>      // steady_clock
#include <cstdio>      // printf, fopen
#include <cstdlib>     // strtoul, exit
#include <cstring>     // strncmp
#include <memory>      // unique_ptr
#include <sys/mman.h>  // mmap
#include <sys/wait.h>  // waitpid
#include <unistd.h>    // fork, pipe
#include <vector>      // samples

#include "stack/guard.hpp"  // guard_bytes
#include "stack/os.hpp"     // advise_ranges
#include "stack/stack.hpp"

namespace {
using namespace weft::detail;  // NOLINT: the layer under measurement

struct figures {
  double create_us = 0, again_us = 0, give_back_us = 0, bytes = 0;
};

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

double resident_bytes() {
  std::FILE* const file = std::fopen("/proc/self/status", "r");
  if (file == nullptr) {
    die("/proc/self/status");
  }
  char line[256];
  double kib = 0;
  while (std::fgets(line, sizeof line, file) != nullptr) {
    if (std::strncmp(line, "VmRSS:", 6) == 0 || std::strncmp(line, "VmPTE:", 6) == 0) {
      kib += std::strtod(line + 6, nullptr);
    }
  }
  std::fclose(file);
  return kib * 1024;
}

class stopwatch {
 public:
  double us_each(std::size_t n) const {
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start_;
    return took.count() / static_cast<double>(n);
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

figures bare_loop(std::size_t n, std::size_t slot_bytes) {
  constexpr std::size_t batch = 64;
  figures result;
  const double before = resident_bytes();
  const stopwatch watch;
  const std::size_t bytes = (n + batch) * slot_bytes;
  void* const at = ::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) {
    die("mmap");
  }
  for (std::size_t i = 0; i < n; i += batch) {
    std::byte* const first = static_cast<std::byte*>(at) + i * slot_bytes;
    if (::mprotect(first, batch * slot_bytes, PROT_READ | PROT_WRITE) != 0) {
      die("mprotect");
    }
    iovec guards[batch];
    for (std::size_t k = 0; k < batch; ++k) {
      guards[k] = {first + k * slot_bytes, guard_bytes(slot_bytes)};
    }
    int error = 0;
    if (advise_ranges(guards, batch, madv_guard_install, true, error) != batch) {
      errno = error;
      die("MADV_GUARD_INSTALL");
    }
    for (std::size_t k = 0; k < batch && i + k < n; ++k) {
      *reinterpret_cast<volatile char*>(first + (k + 1) * slot_bytes - 64) = 1;
    }
  }
  result.create_us = watch.us_each(n);
  result.bytes = (resident_bytes() - before) / static_cast<double>(n);
  return result;
}

figures through_cache(std::size_t n, std::size_t slot_bytes) {
  const std::unique_ptr<stack*[]> all(new stack*[n]());
  const auto cache = std::make_unique<stack_cache>();
  const unsigned size_class = stack_class_of(slot_bytes);
  std::error_code error;
  const auto take_all = [&] {
    for (std::size_t i = 0; i < n; ++i) {
      all[i] = cache->take(size_class, error);
      if (all[i] == nullptr) {
        std::fprintf(stderr, "stack %zu: %s\n", i, error.message().c_str());
        std::exit(1);
      }
    }
  };
  const auto put_all = [&] {
    for (std::size_t i = 0; i < n; ++i) {
      cache->put(all[i]);
    }
  };
  figures result;
  const double before = resident_bytes();
  const stopwatch creating;
  take_all();
  result.create_us = creating.us_each(n);
  result.bytes = (resident_bytes() - before) / static_cast<double>(n);
  put_all();
  const stopwatch again;
  take_all();
  result.again_us = again.us_each(n);
  const stopwatch giving_back;
  put_all();
  while (cache->trim()) {
  }
  result.give_back_us = giving_back.us_each(n);
  return result;
}

figures in_child(figures (*measure)(std::size_t, std::size_t), std::size_t n, std::size_t slot_bytes) {
  int ends[2];
  if (::pipe(ends) != 0) {
    die("pipe");
  }
  const pid_t child = ::fork();
  if (child < 0) {
    die("fork");
  }
  if (child == 0) {
    const figures result = measure(n, slot_bytes);
    const bool sent = ::write(ends[1], &result, sizeof result) == sizeof result;
    std::exit(sent ? 0 : 1);
  }
  figures result;
  ::close(ends[1]);
  const bool received = ::read(ends[0], &result, sizeof result) == sizeof result;
  ::close(ends[0]);
  int status = 0;
  if (::waitpid(child, &status, 0) != child || status != 0 || !received) {
    std::fprintf(stderr, "a measurement failed\n");
    std::exit(1);
  }
  return result;
}

void print(const char* name, std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  std::printf("%-34s min %8.3f   median %8.3f\n", name, samples.front(), samples[samples.size() / 2]);
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t n = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1'000'000;
  const std::size_t rounds = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 3;
  const std::size_t slot_bytes = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : std::size_t{256} * 1024;
  if (n == 0 || rounds == 0 || slot_bytes < min_stack_size || slot_bytes > max_stack_size) {
    std::fprintf(stderr, "usage: stack_bench [stacks] [rounds] [slot bytes, 16384 to 67108864]\n");
    return 2;
  }
  std::vector<double> bare, created, ratio, again, give_back, bytes, bare_bytes;
  for (std::size_t round = 0; round < rounds; ++round) {
    const figures floor = in_child(bare_loop, n, slot_bytes);
    const figures ours = in_child(through_cache, n, slot_bytes);
    bare.push_back(floor.create_us);
    bare_bytes.push_back(floor.bytes);
    created.push_back(ours.create_us);
    ratio.push_back(ours.create_us / floor.create_us);
    again.push_back(ours.again_us);
    give_back.push_back(ours.give_back_us);
    bytes.push_back(ours.bytes);
  }
  std::printf("%zu stacks of %zu bytes, %zu rounds\n", n, slot_bytes, rounds);
  print("bare loop, us each", bare);
  print("create through a cache, us each", created);
  print("ratio within a round", ratio);
  print("take again warm, us each", again);
  print("put, trim to the mark, us each", give_back);
  print("bare loop, bytes each", bare_bytes);
  print("through a cache, bytes each", bytes);
  return 0;
}
