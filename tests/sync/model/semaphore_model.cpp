// One releaser gives three permits in two portions; one acquirer waits for ever, one may give up, one only looks.
// Checked: permits taken and permits left make three; nobody waits while there are permits (it would never end); whoever
// has got a permit sees what was done before it was released; nobody touches a waiter that has returned.
#include "waiters.hpp"

#include "sync/permit_word.hpp"

namespace {

using mo = std::memory_order;
using weft::detail::lock_queue;
using weft::detail::permit_orders;
using weft::detail::permit_result;
using weft::detail::permit_word;
using weft::detail::semaphore_word;
using weft::detail::unlock_queue;

// The shipped orders, as variables: a mutant changes one in its own process.
struct orders {
  static inline std::memory_order lock = permit_orders::lock;
  static inline std::memory_order unlock = permit_orders::unlock;
  static inline std::memory_order add = permit_orders::add;
  static inline std::memory_order take = permit_orders::take;
};

constexpr std::ptrdiff_t given = 3;

template <class Atomics = model::checked_atomics>
struct semaphore_test : rl::test_suite<semaphore_test<Atomics>, 4> {
  using permits = permit_word<Atomics, orders, model::stepping_spin>;
  typename permits::word_type state{0};
  model::plain<int> work{0};
  model::checked_atomic<int> taken{0};
  model::waiter patient, impatient;

  void before() {
    patient.delivered.open();
    impatient.delivered.open();
  }
  void after() {
    const std::uintptr_t word = state.load(mo::relaxed);
    RL_ASSERT(word == semaphore_word::of_count(given - taken.load(mo::relaxed)));
    patient.delivered.close();
    impatient.delivered.close();
  }

  void thread(unsigned index) {
    switch (index) {
      case 0:
        work = 1;
        release(2);
        release(given - 2);
        break;
      case 1:
        acquire(patient, false);
        break;
      case 2:
        acquire(impatient, true);
        break;
      default:
        if (permits::take(state)) got_one();
    }
  }

  void got_one() {
    RL_ASSERT(work == 1);
    taken.fetch_add(1, mo::relaxed);
  }

  void release(std::ptrdiff_t n) {
    std::uintptr_t seen = 0;
    const permit_result result = permits::add_or_lock(state, n, given, seen);
    RL_ASSERT(result != permit_result::too_many);
    if (result == permit_result::done) return;
    model::waiters waiting(seen);
    model::let_go woken;
    std::ptrdiff_t left = n;
    while (left != 0 && woken.claim_one(waiting)) --left;
    unlock_queue<orders>(
        state, waiting.empty() ? semaphore_word::of_count(left) : waiting.bits() | semaphore_word::waited_for);
    woken.deliver();
  }

  void acquire(model::waiter& self, bool may_give_up) {
    std::uintptr_t before = 0;
    if (permits::take(state) || permits::take_or_lock(state, before) == permit_result::done) {
      got_one();
      return;
    }
    model::waiters waiting(before);
    waiting.push_back(self);
    unlock_queue<orders>(state, waiting.bits() | semaphore_word::waited_for);
    if (may_give_up && self.claim(model::waiter::timed_out)) {
      const std::uintptr_t seen = lock_queue<orders, model::stepping_spin>(state);
      std::uintptr_t after = seen;
      if (self.linked) {
        waiting = model::waiters(seen);
        waiting.remove(self);
        after = waiting.empty() ? 0 : waiting.bits() | semaphore_word::waited_for;
      }
      unlock_queue<orders>(state, after);
      self.gone();
      if (permits::take(state)) got_one();
      return;
    }
    self.delivered.wait();
    self.gone();
    got_one();
  }
};

constexpr rl::iteration_t many = 400000;

}  // namespace

int main() {
  model::suite s("semaphore");
  s.holds<semaphore_test<>>("three permits for three acquirers", 200000);
  s.catches<semaphore_test<>>("lock without acquire", many, [] { orders::lock = mo::relaxed; });
  s.catches<semaphore_test<>>("unlock without release", many, [] { orders::unlock = mo::relaxed; });
  s.catches<semaphore_test<>>("add without release", many, [] { orders::add = mo::relaxed; });
  s.catches<semaphore_test<>>("take without acquire", many, [] { orders::take = mo::relaxed; });
  s.catches<semaphore_test<model::torn_atomics>>("compare and exchange not in one step", many);
  return s.finish();
}
