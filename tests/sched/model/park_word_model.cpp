// One fiber waits again and again; a notifier, a timeout and a stop request try to end its waits.
// Checked: each wait is won at most once, by a waker of its own generation; the winner sees what the waiter wrote
// before arming and the waiter what the winner wrote before winning; a stop request ends a wait or is seen by an
// arming, never neither (the last wait has no other waker: a lost stop never ends); shielded waits are left alone by
// it.
#include "model.hpp"

#include "sched/park_word.hpp"  // park_word

namespace {

using mo = std::memory_order;

using weft::detail::arm_result;
using weft::detail::park_orders;
using weft::detail::park_word;
using weft::detail::parker;
using weft::detail::point;
using weft::detail::stop_result;
using weft::detail::wake;

// The shipped orders, as variables: a mutant changes one in its own process.
struct orders {
  static inline std::memory_order arm = park_orders::arm;
  static inline std::memory_order pending = park_orders::pending;
  static inline std::memory_order claim = park_orders::claim;
  static inline std::memory_order stop = park_orders::stop;
  static inline std::memory_order disarm = park_orders::disarm;
  static inline std::memory_order outcome = park_orders::outcome;
  static inline std::memory_order stopped = park_orders::stopped;
};

constexpr int most_waits = 3;  // generations 1 to 3

// Whose stop: the fiber's, that of a frame inside it, or both at the same time, the second one instead of the timeout.
enum class stop_of { fiber, frame, both };

template <class Atomics = model::checked_atomics, stop_of Stop = stop_of::fiber>
struct park_test : rl::test_suite<park_test<Atomics, Stop>, 4> {
  using word = park_word<Atomics, orders>;
  typename word::word_type state{parker::thread};
  // Indexed by generation. A waker writes its own variable before it tries; the waiter reads that of the winner.
  model::plain<int> waiters_state[most_waits + 1];
  model::plain<int> notified_state[most_waits + 1], timed_state[most_waits + 1];
  model::plain<int> stop_state{0};
  model::checked_atomic<int> wins[most_waits + 1];
  model::checked_atomic<std::uint32_t> waits_over{0};

  park_test() {
    for (model::checked_atomic<int>& w : wins) {
      w.store(0, mo::relaxed);
    }
  }

  void thread(unsigned index) {
    switch (index) {
      case 0:
        wait_thrice();
        break;
      case 1:
        end_waits(wake::notified, notified_state);
        break;
      case 2:
        if (Stop == stop_of::both) {
          stop_frame();
        } else {
          end_waits(wake::timed_out, timed_state);
        }
        break;
      default:
        Stop == stop_of::frame ? stop_frame() : stop();
        break;
    }
  }

  // ---- wakers. They do not know how far the waiter is, as one with an old packed waiter does not.

  void end_waits(wake why, model::plain<int>* mine) {
    for (std::uint32_t generation = 1; generation != most_waits; ++generation) {
      mine[generation] = 10 + static_cast<int>(generation);
      bool over = false;
      bool mine_won = false;
      while (!over && !mine_won) {
        over = waits_over.load(mo::relaxed) >= generation;
        mine_won = word::try_claim(state, generation, why);
        RL_ASSERT(!over || !mine_won);  // a waker that comes late loses
        if (!mine_won) {
          model::step_back();
        }
      }
      if (mine_won) {
        won(generation);
      }
    }
  }

  void stop() {
    if (Stop != stop_of::both) stop_state = 30;
    const stop_result first = word::request_stop(state);
    RL_ASSERT(first.first);
    if (first.claimed) {  // the waiter does not go on before the win is counted, so the generation is still its own
      won(word::generation_of(state.load(mo::relaxed)));
    }
    const stop_result second = word::request_stop(state);
    RL_ASSERT(!second.first && !second.claimed);
  }

  void stop_frame() {
    if (Stop != stop_of::both) stop_state = 30;
    if (word::request_inner_stop(state)) {
      won(word::generation_of(state.load(mo::relaxed)));
    }
    RL_ASSERT(!word::request_inner_stop(state));
  }

  void won(std::uint32_t generation) {
    RL_ASSERT(waiters_state[generation] == 20 + static_cast<int>(generation));
    RL_ASSERT(wins[generation].fetch_add(1, mo::relaxed) == 0);
  }

  bool stopper_has_written() { return Stop == stop_of::both || stop_state == 30; }

  // ---- the waiter

  void wait_thrice() {
    const bool second_gives_up = rl::rand(2) == 0;
    const point first = rl::rand(2) == 0 ? point::yes : point::no;
    const bool unstopped = wait(1, first, !second_gives_up) && wait(2, point::yes, second_gives_up);
    RL_ASSERT(!unstopped || !wait(3, point::yes, false));  // only the stop can end the third
    waits_over.store(most_waits, mo::relaxed);
    RL_ASSERT((state.load(mo::relaxed) & parker::thread) != 0);
  }

  // False when the stop has ended the wait, or came before it.
  bool wait(std::uint32_t generation, point p, bool gives_up) {
    waiters_state[generation] = 20 + static_cast<int>(generation);
    const arm_result armed = word::arm(state, p);
    RL_ASSERT(armed.generation == generation);
    if (armed.stop_pending) {
      RL_ASSERT(p == point::yes && stopper_has_written());
      RL_ASSERT(wins[generation].fetch_add(1, mo::relaxed) == 0);  // and nobody may win it from here on
      return false;
    }
    const wake why = gives_up ? word::disarm(state) : await();
    RL_ASSERT(p == point::yes || why != wake::stopped);
    switch (why) {
      case wake::none:
        RL_ASSERT(wins[generation].load(mo::relaxed) == 0);
        break;
      case wake::notified:
        RL_ASSERT(notified_state[generation] == 10 + static_cast<int>(generation));
        break;
      case wake::timed_out:
        RL_ASSERT(timed_state[generation] == 10 + static_cast<int>(generation));
        break;
      case wake::stopped:
        RL_ASSERT(stopper_has_written());
        break;
      default:
        RL_ASSERT(false);
    }
    // Delivery: relaxed, so that what must be visible is so by the park word alone.
    while (why != wake::none && wins[generation].load(mo::relaxed) == 0) {
      model::step_back();
    }
    waits_over.store(generation, mo::relaxed);
    return why != wake::stopped;
  }

  wake await() {
    for (;;) {
      const wake why = word::outcome(state);
      if (why != wake::none) {
        return why;
      }
      if (word::pending(state, point::yes, point::yes)) {
        RL_ASSERT(stopper_has_written());
      }
      model::step_back();
    }
  }
};

// Arming (the only exchange whose failure is acquire) as a load and a store.
struct torn_atomics {
  template <class T>
  struct atomic : model::checked_atomic<T> {
    using model::checked_atomic<T>::checked_atomic;
    bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure) {
      if (failure != orders::pending)
        return model::checked_atomic<T>::compare_exchange_weak(expected, desired, success, failure);
      const T seen = this->load(mo::acquire);
      if (seen != expected) {
        expected = seen;
        return false;
      }
      this->store(desired, mo::release);
      return true;
    }
  };
};

constexpr rl::iteration_t many = 400000;

}  // namespace

int main() {
  model::suite s("park word");
  s.holds<park_test<>>("notification, timeout and stop against three waits", 100000);
  s.holds<park_test<model::checked_atomics, stop_of::frame>>("the same with the stop of a frame", 100000);
  s.catches<park_test<model::checked_atomics, stop_of::frame>>("a frame's stop without release", many,
                                                               [] { orders::stop = mo::acquire; });
  s.catches<park_test<model::checked_atomics, stop_of::frame>>("a frame's stop without acquire", many,
                                                               [] { orders::stop = mo::release; });
  s.holds<park_test<model::checked_atomics, stop_of::both>>("a stop of the fiber beside that of a frame", 100000);
  s.catches<park_test<>>("arm without release", many, [] { orders::arm = mo::acquire; });
  s.catches<park_test<>>("arm without acquire", many, [] { orders::arm = mo::release; });
  s.catches<park_test<>>("the look for a pending stop without acquire", many, [] { orders::pending = mo::relaxed; });
  s.catches<park_test<>>("claim without release", many, [] { orders::claim = mo::acquire; });
  s.catches<park_test<>>("claim without acquire", many, [] { orders::claim = mo::release; });
  s.catches<park_test<>>("stop without release", many, [] { orders::stop = mo::acquire; });
  s.catches<park_test<>>("stop without acquire", many, [] { orders::stop = mo::release; });
  s.catches<park_test<>>("disarm relaxed", many, [] { orders::disarm = mo::relaxed; });
  s.catches<park_test<>>("outcome relaxed", many, [] { orders::outcome = mo::relaxed; });
  s.catches<park_test<>>("stopped relaxed", many, [] { orders::stopped = mo::relaxed; });
  s.catches<park_test<torn_atomics>>("arming not in one step", many);
  return s.finish();
}
