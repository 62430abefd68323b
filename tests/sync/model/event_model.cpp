// Two setters, one of which clears the event first, a waiter that waits for ever and one that may give up.
// Checked: whoever sees the event set sees what was done before it was; no wake-up is lost (it would never end); nobody
// touches a waiter that has returned; the list is changed by one at a time.
#include "waiters.hpp"

#include "sync/event_word.hpp"

namespace {

using mo = std::memory_order;
using weft::detail::event_orders;
using weft::detail::event_word;
using weft::detail::lock_queue;
using weft::detail::unlock_queue;

// The shipped orders, as variables: a mutant changes one in its own process.
struct orders {
  static inline std::memory_order lock = event_orders::lock;
  static inline std::memory_order unlock = event_orders::unlock;
  static inline std::memory_order set = event_orders::set;
  static inline std::memory_order look = event_orders::look;
  static inline std::memory_order reset_look = event_orders::reset_look;
  static inline std::memory_order reset = event_orders::reset;
};

template <class Atomics = model::checked_atomics>
struct event_test : rl::test_suite<event_test<Atomics>, 4> {
  using word = event_word<Atomics, orders, model::stepping_spin>;
  typename word::word_type state{0};
  model::plain<int> work{0};
  model::waiter patient, impatient;

  void before() {
    patient.delivered.open();
    impatient.delivered.open();
  }
  void after() {
    RL_ASSERT(state.load(mo::relaxed) == word::flag);
    patient.delivered.close();
    impatient.delivered.close();
  }

  void thread(unsigned index) {
    switch (index) {
      case 0:
        work = 1;
        set();
        break;
      case 1:
        RL_ASSERT(wait(patient, false));
        break;
      case 2:
        wait(impatient, true);
        break;
      default:
        if (word::is_set(state)) RL_ASSERT(work == 1);
        if (word::reset(state)) {
          RL_ASSERT(work == 1);
          set();
        }
    }
  }

  void set() {
    const std::uintptr_t seen = word::set_or_lock(state);
    if (seen == 0) return;
    model::waiters waiting(seen);
    model::let_go woken;
    while (woken.claim_one(waiting)) {
    }
    unlock_queue<orders>(state, word::flag);
    woken.deliver();
  }

  // \return whether the event was set
  bool wait(model::waiter& self, bool may_give_up) {
    std::uintptr_t before = 0;
    if (word::is_set(state) || word::is_set_or_lock(state, before)) {
      RL_ASSERT(work == 1);
      return true;
    }
    model::waiters waiting(before);
    waiting.push_back(self);
    unlock_queue<orders>(state, waiting.bits());
    if (may_give_up && self.claim(model::waiter::timed_out)) {
      const std::uintptr_t seen = lock_queue<orders, model::stepping_spin>(state);
      waiting = model::waiters(seen);
      if (self.linked) waiting.remove(self);
      unlock_queue<orders>(state, waiting.bits() | (seen & word::flag));
      self.gone();
      if ((seen & word::flag) != 0) RL_ASSERT(work == 1);
      return (seen & word::flag) != 0;
    }
    self.delivered.wait();
    self.gone();
    RL_ASSERT(work == 1);
    return true;
  }
};

constexpr rl::iteration_t many = 400000;

}  // namespace

int main() {
  model::suite s("event");
  s.holds<event_test<>>("two setters, a reset, two waiters", 200000);
  s.catches<event_test<>>("lock without acquire", many, [] { orders::lock = mo::relaxed; });
  s.catches<event_test<>>("unlock without release", many, [] { orders::unlock = mo::relaxed; });
  s.catches<event_test<>>("set without release", many, [] { orders::set = mo::relaxed; });
  s.catches<event_test<>>("look without acquire", many, [] { orders::look = mo::relaxed; });
  s.catches<event_test<>>("reset without acquire", many,
                          [] { orders::reset = mo::release, orders::reset_look = mo::relaxed; });
  s.catches<event_test<model::torn_atomics>>("compare and exchange not in one step", many);
  return s.finish();
}
