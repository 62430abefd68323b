// Runs a case under many schedules: seeds of the test runtime, and real runtimes of 1, 2 and 8 workers.
//
// A failing seed stops the case and is named in the failure; WEFT_TEST_SEED, as the failure says it, runs that one alone.
#pragma once
#include <algorithm>  // max
#include <bit>        // bit_ceil
#include <cstdint>    // uint64_t
#include <cstdlib>    // getenv
#include <optional>   // optional
#include <string>     // traces
#include <utility>    // forward

#include <gtest/gtest.h>

#include <weft/sched/runtime.hpp>

#include "sched/chaos.hpp"
#include "support/scale.hpp"
#include "support/test_runtime.hpp"

namespace weft::testing {

inline constexpr unsigned worker_counts[] = {1, 2, 8};

inline std::optional<test_schedule> schedule_from_environment() {
  const char* const text = std::getenv("WEFT_TEST_SEED");
  if (text == nullptr) return std::nullopt;
  return parse_schedule(text);
}

// The schedule that under_seeds() gives to a seed: in turn each choice drawn alike, priorities that change once, and
// priorities that change twice.
inline test_schedule schedule_of(std::uint64_t seed, unsigned workers, std::uint64_t usual_steps) {
  return {.seed = seed,
          .workers = workers,
          .pct_depth = seed % 3 == 1 ? 0U : 2U + static_cast<unsigned>(seed % 3 == 0),
          .pct_steps = usual_steps};
}

// The seeds of a case for each number of workers. A case that takes fewer is inherently big, and says so.
inline constexpr std::size_t usual_seeds = 1000;

// body(test_runtime&) under `seeds` seeds for each number of workers: a tenth of that under a sanitizer, a thousand times
// as many in a soak, a hundred times in a soak under a sanitizer. So `seeds` must not be scaled itself, nor the body, which
// is the same for each seed.
template <class Body>
void under_seeds(std::size_t seeds, Body&& body) {
  const auto replayed = schedule_from_environment();
  const std::size_t last = replayed ? 1 : seed_count(seeds);
  for (const unsigned workers : worker_counts) {
    if (replayed && replayed->workers != 0 && replayed->workers != workers) continue;
    std::uint64_t usual_steps = 16;
    for (std::uint64_t seed = 1; seed <= last; ++seed) {
      test_schedule schedule = replayed ? *replayed : schedule_of(seed, workers, usual_steps);
      schedule.workers = workers;
      test_runtime rt(schedule);
      body(rt);
      if (::testing::Test::HasFailure()) return;
      if (schedule.pct_depth == 0) usual_steps = std::max(usual_steps, std::bit_ceil(rt.choices()));
    }
  }
}

template <class Body>
void under_seeds(Body&& body) {
  under_seeds(usual_seeds, std::forward<Body>(body));
}

// While it lives, the library disturbs the order of real threads (sched/chaos.hpp).
class chaos_scope {
 public:
  explicit chaos_scope(std::uint64_t seed)
      : repro_("chaos mode, WEFT_CHAOS=" + std::to_string(seed)), trace_(__FILE__, __LINE__, repro_) {
    detail::set_chaos(*detail::parse_chaos(std::to_string(seed)));
    say_on_abort(repro_.c_str());
  }
  ~chaos_scope() {
    detail::set_chaos(before_);
    say_on_abort(nullptr);
  }
  chaos_scope(const chaos_scope&) = delete;
  chaos_scope& operator=(const chaos_scope&) = delete;

 private:
  const detail::chaos_settings before_ = detail::current_chaos();
  const std::string repro_;
  ::testing::ScopedTrace trace_;
};

// Each case has its own, the same in each run.
inline std::uint64_t chaos_seed_of_running_case() {
  const auto* const info = ::testing::UnitTest::GetInstance()->current_test_info();
  std::uint64_t seed = 0xcbf29ce484222325U;
  for (const char c : info == nullptr ? std::string() : std::string(info->test_suite_name()) + info->name()) {
    seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001b3U;  // FNV-1a
  }
  return seed % 1'000'000;
}

// body(runtime&) with real threads: undisturbed with 1, 2 and 8 workers, and in chaos mode with 2 and 8.
template <class Body>
void with_real_workers(Body&& body) {
  if (schedule_from_environment()) return;
  const auto with = [&](unsigned workers) {
    SCOPED_TRACE("a real runtime with " + std::to_string(workers) + " workers");
    runtime rt(runtime_options{.workers = workers});
    body(rt);
    return !::testing::Test::HasFailure();
  };
  for (const unsigned workers : worker_counts) {
    if (!with(workers)) return;
  }
  const chaos_scope chaos(chaos_seed_of_running_case());
  for (const unsigned workers : {2U, 8U}) {
    if (!with(workers)) return;
  }
}

// main() as a fiber, under all of the above.
template <class Main>
void everywhere(Main&& main, std::size_t seeds = usual_seeds) {
  with_real_workers([&](runtime& rt) { rt.run(main); });
  under_seeds(seeds, [&](test_runtime& rt) { rt.run(main); });
}

// How much one run of a case does: with real threads, where only the amount makes for new orders, and under each seed.
struct amounts {
  std::size_t real;
  std::size_t seeded;
};

// main(amount) as a fiber, under all of the above.
template <class Main>
void everywhere(amounts amount, Main&& main) {
  with_real_workers([&](runtime& rt) { rt.run([&] { main(amount.real); }); });
  under_seeds([&](test_runtime& rt) { rt.run([&] { main(amount.seeded); }); });
}

}  // namespace weft::testing
