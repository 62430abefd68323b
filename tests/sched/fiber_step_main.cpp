// Single-stepped by fiber_step_test.py: fibers that end, in each of the three ways on from there.
#include <chrono>  // durations

#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>

// C names, in no namespace, so that the script knows them in each build; the assembly keeps the functions from being left
// out.
extern "C" [[gnu::noinline, gnu::used]] void fiber_step_begin() { asm volatile("" ::: "memory"); }
extern "C" [[gnu::noinline, gnu::used]] void fiber_step_end() { asm volatile("" ::: "memory"); }

namespace {

using namespace std::chrono_literals;

// The newest starts first. It ends, and the next one goes on where it was; the oldest, when it ends, has woken the joiner
// and leaves for it. The detached one ends with nothing else to run and leaves for the scheduler's own context.
void end_in_all_ways(bool stepped) {
  auto oldest = weft::spawn([] {});
  auto newest = weft::spawn([stepped] {
    if (stepped) fiber_step_begin();
  });
  oldest.join();
  newest.join();
  weft::spawn([] {}).detach();
  // Longer each time, as nobody knows how long the steps take from here to where the worker sleeps. The script goes on from
  // an end that came too early.
  for (auto pause = 2s; pause < 200s; pause *= 4) {
    weft::this_fiber::sleep_for(stepped ? pause : 0s);
    if (stepped) fiber_step_end();
  }
}

}  // namespace

int main() {
  weft::run({.workers = 1}, [] {
    end_in_all_ways(false);  // makes what is made on first use
    end_in_all_ways(true);
  });
  return 0;
}
