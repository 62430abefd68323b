// Drives a runtime from the test's own thread.
#include "support/test_runtime.hpp"

#include <algorithm>  // min
#include <csignal>    // signal
#include <cstdio>     // fprintf
#include <cstdlib>    // abort
#include <cstring>    // strlen
#include <cxxabi.h>   // __cxa_get_globals
#include <new>        // operator new
#include <sstream>    // describe
#include <unistd.h>   // write
#include <utility>    // exchange

#include "fiber/block.hpp"      // fiber_block
#include "fiber/join_word.hpp"  // join_finished

namespace weft::testing {
namespace {

using namespace std::chrono_literals;

// An arbitrary round figure that is not zero, so that "an hour ago" is still a time.
constexpr auto first_moment = std::chrono::steady_clock::time_point{} + 24h;

constexpr unsigned steal_one_in = 4;  // turns of a worker that begin with a look at the others' unstarted fibers

std::string make_repro(test_schedule s) {
  const auto* const info = ::testing::UnitTest::GetInstance()->current_test_info();
  std::ostringstream out;
  out << "replay: WEFT_TEST_SEED=" << s.seed << ':' << s.workers;
  if (s.pct_depth != 0) out << ":pct" << s.pct_depth << '/' << s.pct_steps;
  if (info != nullptr) out << " --gtest_filter=" << info->test_suite_name() << '.' << info->name();
  return out.str();
}

// Shown also when the library aborts, where no expectation can.
const char* last_words = nullptr;
void say_and_abort(int) {
  if (last_words != nullptr) {
    [[maybe_unused]] const auto wrote = ::write(STDERR_FILENO, last_words, std::strlen(last_words));
    [[maybe_unused]] const auto end = ::write(STDERR_FILENO, "\n", 1);
  }
  std::signal(SIGABRT, SIG_DFL);  // abort() raises it again when the handler returns
}

// While fibers run, this thread looks like a worker to them: no exception of the test's own code is in flight.
class as_worker {
 public:
  explicit as_worker(detail::worker& w) noexcept
      : thread_(*reinterpret_cast<detail::exception_words*>(abi::__cxa_get_globals())),
        saved_(std::exchange(thread_, {})) {
    detail::set_current_worker(&w);
  }
  ~as_worker() {
    detail::set_current_worker(nullptr);
    thread_ = saved_;
  }
  as_worker(const as_worker&) = delete;
  as_worker& operator=(const as_worker&) = delete;

 private:
  detail::exception_words& thread_;
  detail::exception_words saved_;
};

}  // namespace

void say_on_abort(const char* what) noexcept {
  last_words = what;
  static const bool installed = std::signal(SIGABRT, say_and_abort) != SIG_ERR;  // once: system calls are dear here
  static_cast<void>(installed);
}

test_schedule parse_schedule(const char* text) {
  test_schedule s{.workers = 0};
  char* end = nullptr;
  s.seed = std::strtoull(text, &end, 10);
  bool good = end != text;
  if (good && *end == ':') {
    const char* const workers = end + 1;
    s.workers = static_cast<unsigned>(std::strtoul(workers, &end, 10));
    good = end != workers && s.workers <= 1024;
  }
  if (good && std::strncmp(end, ":pct", 4) == 0) {
    const char* const depth = end + 4;
    s.pct_depth = static_cast<unsigned>(std::strtoul(depth, &end, 10));
    good = end != depth && s.pct_depth > 0 && s.pct_depth < 100;
    if (good && *end == '/') {
      const char* const steps = end + 1;
      s.pct_steps = std::strtoull(steps, &end, 10);
      good = end != steps && s.pct_steps > 0;
    }
  }
  if (!good || *end != '\0') {
    std::fprintf(stderr,
                 "WEFT_TEST_SEED=%s is not valid: expected seed[:workers[:pctD[/steps]]], such as 77:2:pct3/512\n",
                 text);
    std::abort();
  }
  return s;
}

test_runtime::test_runtime(test_schedule schedule)
    : schedule_(schedule),
      repro_(make_repro(schedule)),
      trace_(__FILE__, __LINE__, repro_),
      random_(schedule.seed),
      now_(first_moment) {
  // The facade's address is what runtime::current() gives: it has to exist before the runtime it stands for.
  auto* const place = static_cast<runtime*>(::operator new(sizeof(runtime)));
  try {
    impl_ = new detail::runtime_impl(place, runtime_options{.workers = schedule.workers}, true);
  } catch (...) {
    ::operator delete(place);
    throw;
  }
  facade_.reset(::new (static_cast<void*>(place)) runtime(detail::adopt_runtime{}, impl_));
  impl_->seeded = &random_;
  if (schedule.pct_depth != 0) impl_->seeded = &priorities_.emplace(random_, schedule.pct_depth, schedule.pct_steps);
  impl_->clock = this;
  for (detail::worker* w : impl_->workers) {
    w->attach(*impl_);
    w->detach();
  }
  outer_ = detail::current_driver();
  detail::set_current_driver(this);
  say_on_abort(repro_.c_str());
}

test_runtime::~test_runtime() {
  check_nothing_left();
  facade_.reset();
  detail::set_current_driver(outer_);
  say_on_abort(nullptr);
}

void test_runtime::check_nothing_left() {
  run_until_idle();
  if (live_count() != 0) {
    ADD_FAILURE() << live_count() << " fibers outlive their test_runtime:\n" << describe();
    impl_->stop_everything();
    for (run_until_idle(); live_count() != 0; run_until_idle()) {
      const time_point next = next_timer();
      if (next == detail::no_deadline) {
        std::fprintf(stderr, "these ignore stop:\n%s", describe().c_str());
        std::abort();
      }
      now_ = next;
    }
  }
  EXPECT_EQ(next_timer(), detail::no_deadline) << "a timer outlives its test_runtime";
  EXPECT_EQ(impl_->stacks_in_use(), 0U) << "a stack was not given back";
}

bool test_runtime::turn(detail::worker& w) {
  const as_worker disguise(w);
  const bool alone = impl_->workers.size() == 1;
  if (!alone && random_.below(steal_one_in) == 0) w.search();
  if (w.round() || (!alone && w.search() && w.round())) return true;
  return w.stackless != nullptr && w.round();  // it found no room for a fiber, and looks again
}

// All fibers that could run are brought where they can be compared, after some of the unstarted ones have been stolen.
bool test_runtime::step_by_priority() {
  const std::size_t n = impl_->workers.size();
  const std::size_t first = n == 1 ? 0 : random_.below(n);
  for (std::size_t i = 0; n > 1 && i < n; ++i) {
    if (random_.below(steal_one_in) != 0) continue;
    detail::worker& w = *impl_->workers[(first + i) % n];
    const as_worker disguise(w);
    w.search();
  }
  // Twice, as in step().
  for (int pass = 0; pass < 2; ++pass) {
    for (detail::worker* w : impl_->workers) {
      const as_worker disguise(*w);
      w->gather();
      priorities_->note_ready(w->ready);
    }
  }
  for (;;) {
    detail::worker* chosen = nullptr;
    priority_choice::candidate best;
    for (detail::worker* w : impl_->workers) {
      const auto here = priorities_->highest(w->ready);
      if (here.fiber == nullptr || (chosen != nullptr && here.rank <= best.rank)) continue;
      chosen = w;
      best = here;
    }
    if (chosen == nullptr) return false;
    if (!priorities_->begin_step(*best.fiber)) continue;
    const as_worker disguise(*chosen);
    return chosen->round();
  }
}

bool test_runtime::step() {
  if (priorities_) return step_by_priority();
  const std::size_t n = impl_->workers.size();
  const std::size_t first = n == 1 ? 0 : random_.below(n);
  // All of them twice: a timer of a later worker may wake a fiber of an earlier one, which has had its turn by then.
  for (std::size_t i = 0; i < 2 * n; ++i) {
    if (turn(*impl_->workers[(first + i) % n])) return true;
  }
  return false;
}

void test_runtime::report_livelock() {
  std::fprintf(stderr, "livelock: fibers keep running and time never passes\n%s", describe().c_str());
  std::abort();
}

void test_runtime::run_until_idle() {
  for (unsigned steps = 0; step(); ++steps) {
    if (steps == schedule_.livelock_steps) report_livelock();
  }
}

detail::time_point test_runtime::next_timer() {
  time_point next = detail::no_deadline;
  for (detail::worker* w : impl_->workers) next = std::min(next, w->timers.next_deadline());
  return next;
}

void test_runtime::advance(std::chrono::nanoseconds d) {
  const time_point end = now_ + d;
  for (run_until_idle(); next_timer() <= end; run_until_idle()) now_ = std::max(now_, next_timer());
  now_ = end;
}

void test_runtime::drive_until(detail::atomic<std::uint32_t>& delivered, time_point deadline) noexcept {
  const auto done = [&] {
    return delivered.load(detail::memory_order_relaxed) != 0;
  };  // relaxed: our own thread wrote it
  unsigned steps = 0;
  while (!done() && deadline > now_) {
    if (step()) {
      if (++steps < schedule_.livelock_steps) continue;
      report_livelock();
    }
    if (done()) return;
    const time_point next = std::min(next_timer(), deadline);
    if (next == detail::no_deadline) {
      std::fprintf(stderr, "a wait of the test's thread can never end: nothing can run and no timer is set\n%s",
                   describe().c_str());
      std::abort();
    }
    now_ = std::max(now_, next);
    steps = 0;
  }
}

template <class Visit>
void test_runtime::for_each_started(Visit&& visit) {
  const auto look = [&](detail::fiber_record& r) {
    const bool ended = r.join.load(detail::memory_order_relaxed) == detail::join_finished;  // relaxed: one thread
    if (r.block != nullptr && r.block->record == &r && !ended) visit(r);
  };
  for (detail::worker* w : impl_->workers) w->records.for_each(look);
  impl_->external_records->for_each(look);
}

unsigned test_runtime::parked_count() {
  unsigned n = 0;
  for_each_started([&](detail::fiber_record& r) {
    n += (r.park.word.load(detail::memory_order_relaxed) & detail::parker::armed) != 0;  // relaxed: one thread
  });
  return n;
}

unsigned test_runtime::live_count() {
  std::uint64_t n = impl_->external_spawned.load(detail::memory_order_relaxed);  // relaxed, all: one thread
  for (const detail::worker* w : impl_->workers) {
    n += w->spawned.load(detail::memory_order_relaxed) - w->finished.load(detail::memory_order_relaxed);
  }
  return static_cast<unsigned>(n);
}

std::string test_runtime::describe() {
  std::ostringstream out;
  unsigned started = 0;
  for_each_started([&](detail::fiber_record& r) {
    ++started;
    const detail::fiber_block& b = *r.block;
    out << "  '" << b.name << "' " << detail::id_of(r) << ' ';
    if (b.wait_text == nullptr) {
      out << "can run\n";
    } else {
      out << "waits for " << b.wait_text << " since " << (now_ - b.wait_since).count() << " ns\n";
    }
  });
  const unsigned live = live_count();
  if (live > started) out << "  and " << live - started << " that have not started\n";
  out << "  " << repro_ << '\n';
  return out.str();
}

}  // namespace weft::testing
