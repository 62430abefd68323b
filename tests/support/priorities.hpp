// Probabilistic concurrency testing: a schedule by random priorities, changed at a few random steps.
//
// Burckhardt, Kothari, Musuvathi, Nagarakatte, "A randomized scheduler with probabilistic guarantees of finding bugs"
// (ASPLOS 2010): of n fibers and k steps, a bug that needs d ordering constraints shows with a chance of at least
// 1 / (n * k^(d-1)), however long the run is otherwise. A schedule drawn step by step has next to none where one fiber must
// run far while another stands still.
//
// Here a step is a dispatch, of all workers together. A fiber draws its priority when it is first seen; the one with the
// highest runs, whichever worker it is on. At each of d-1 steps drawn beforehand the fiber that would run falls below all.
// A fiber that yields is still ready, and would run again at once, for ever if it polls for something: one yield in
// 64, drawn, puts it below all others, too.
#pragma once
#include <cstdint>        // fixed-width integers
#include <limits>         // smallest priority
#include <unordered_map>  // priorities
#include <vector>         // change points

#include "sched/ready_queue.hpp"   // ready_queue
#include "sched/runtime_impl.hpp"  // seeded_choice
#include "support/seeded_random.hpp"

namespace weft::testing {

class priority_choice final : public detail::seeded_choice {
 public:
  using priority = std::int64_t;

  // All chance comes from `random`. \pre depth > 0, steps > 0
  priority_choice(seeded_random& random, unsigned depth, std::uint64_t steps) : random_(random) {
    for (unsigned i = 1; i < depth; ++i) changes_.push_back(1 + random_.below(static_cast<std::size_t>(steps)));
  }

  std::size_t below(std::size_t n) noexcept override { return random_.below(n); }
  bool looks_at_fibers() const noexcept override { return true; }
  std::size_t among(const detail::ready_queue& candidates) noexcept override { return highest(candidates).place; }

  struct candidate {
    priority rank = std::numeric_limits<priority>::min();
    std::size_t place = 0;
    const detail::fiber_record* fiber = nullptr;
  };
  candidate highest(const detail::ready_queue& candidates) {
    candidate best;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      const detail::fiber_record& r = candidates.peek(i);
      if (const priority p = rank_of(r); best.fiber == nullptr || p > best.rank) best = {p, i, &r};
    }
    return best;
  }

  // Before a step: the fiber of the last one is ready again, so it yielded.
  void note_ready(const detail::ready_queue& candidates) {
    for (std::size_t i = 0; last_ != nullptr && i < candidates.size(); ++i) {
      if (&candidates.peek(i) != last_) continue;
      if (last_->generation == last_generation_ && random_.below(yields_to_fall) == 0) fall(*last_);
      last_ = nullptr;
    }
  }
  // The step that `chosen` would make. False: the priorities have changed, choose again.
  bool begin_step(const detail::fiber_record& chosen) {
    ++step_;
    for (std::uint64_t& at : changes_) {
      if (at != step_) continue;
      at = 0;
      --step_;  // the choice that follows is for the same step
      fall(chosen);
      return false;
    }
    last_ = &chosen;
    last_generation_ = chosen.generation;
    return true;
  }

 private:
  static constexpr std::size_t yields_to_fall = 64;

  struct known {
    std::uint32_t generation = 0;
    priority rank = 0;
  };
  priority rank_of(const detail::fiber_record& r) {
    const auto [at, is_new] = known_.try_emplace(&r);
    if (is_new || at->second.generation != r.generation) {
      at->second = {r.generation, static_cast<priority>(random_.below(std::size_t{1} << 31)) + 1};
    }
    return at->second.rank;
  }
  void fall(const detail::fiber_record& r) { known_[&r] = {r.generation, --lowest_}; }

  seeded_random& random_;
  std::unordered_map<const detail::fiber_record*, known> known_;  // only looked up: addresses do not order anything
  std::vector<std::uint64_t> changes_;
  priority lowest_ = 0;
  std::uint64_t step_ = 0;
  const detail::fiber_record* last_ = nullptr;
  std::uint32_t last_generation_ = 0;
};

}  // namespace weft::testing
