// Many fibers that wait for different things, to be looked at by a debugger: gdb_test.py. Says "ready" when all wait, and goes
// on to its end, which it checks, with the next line of its input.
//
// usage: fibers_main FIBERS
#include <atomic>       // counters
#include <chrono>       // hours
#include <cstdio>       // printf, getchar
#include <cstdlib>      // abort, strtoul
#include <mutex>        // lock_guard
#include <sstream>      // ostringstream
#include <string>       // string
#include <sys/prctl.h>  // PR_SET_PTRACER
#include <vector>       // handles

#include <weft/weft.hpp>

// C names, so that the script can look for them; the assembly keeps calls from becoming jumps.
#define DEBUG_FUNCTION extern "C" [[gnu::noinline, gnu::used]]
#define DEBUG_AFTER_CALL asm volatile("" ::: "memory")

namespace {

weft::mutex held;
weft::event go;
weft::channel<int> numbers(0);
std::atomic<unsigned long> finished{0};

}  // namespace

DEBUG_FUNCTION void debug_locks() {
  const std::lock_guard guard(held);
  ++finished;
}
DEBUG_FUNCTION void debug_waits() {
  go.wait();
  ++finished;
}
DEBUG_FUNCTION void debug_receives() {
  if (numbers.receive() == 7) ++finished;
}
DEBUG_FUNCTION void debug_sleeps() {
  weft::this_fiber::sleep_for(std::chrono::hours(1));
  DEBUG_AFTER_CALL;
}
DEBUG_FUNCTION void debug_joins(weft::fiber<>& other) {
  other.join();
  ++finished;
}
// It blocks its worker: a fiber that runs, and is at the same place whenever one looks.
DEBUG_FUNCTION void debug_reads() {
  std::getchar();
  DEBUG_AFTER_CALL;
}
// A frame between, the same for all: its own variable lies on the fiber's stack.
DEBUG_FUNCTION void debug_outer(unsigned long number) {
  volatile unsigned long mine = number;
  switch (number % 4) {
    case 0:
      debug_locks();
      break;
    case 1:
      debug_waits();
      break;
    case 2:
      debug_receives();
      break;
    default:
      debug_sleeps();
      break;
  }
  DEBUG_AFTER_CALL;
  if (mine != number) std::abort();
}

// Until the dump says that they all wait: it is right about fibers at rest.
static void wait_until_parked(unsigned long count) {
  const std::string wanted = ", " + std::to_string(count) + " parked";
  for (std::ostringstream text; text.str().find(wanted) == std::string::npos; weft::this_fiber::yield()) {
    text.str({});
    weft::debug::dump(text);
  }
}

DEBUG_FUNCTION bool debug_main(unsigned long count) {
  held.lock();
  std::vector<weft::fiber<>> all;
  for (unsigned long i = 0; i < count; ++i) {
    const std::string name = "number " + std::to_string(i);
    all.push_back(weft::spawn({.name = name}, debug_outer, i));
  }
  auto joined = weft::spawn({.name = "joined"}, [] { go.wait(); });
  auto joiner = weft::spawn({.name = "joiner"}, [&joined] { debug_joins(joined); });
  weft::this_fiber::set_name("main");
  wait_until_parked(count + 2);
  std::puts("ready");
  std::fflush(stdout);
  debug_reads();
  held.unlock();
  go.set();
  for (unsigned long i = 0; i < count; ++i) {
    if (i % 4 == 2) numbers.send(7);
    if (i % 4 == 3) all[i].request_stop();
  }
  joiner.join();
  unsigned long stopped = 0;
  for (weft::fiber<>& f : all) {
    try {
      f.join();
    } catch (const weft::cancelled&) {
      ++stopped;
    }
  }
  std::printf("finished %lu, stopped %lu of %lu\n", finished.load(), stopped, count);
  return finished == count - count / 4 + 1 && stopped == count / 4;
}

int main(int argc, char** argv) {
  ::prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);  // fails where anybody may trace anyway
  const unsigned long count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) / 4 * 4 : 8;
  const bool good = weft::run({.workers = 2, .stack_size = 16 * 1024}, [count] { return debug_main(count); });
  return good ? 0 : 1;
}
