// The owner pushes and pops, two thieves steal, in a ring of two slots that has to grow.
// Checked: every item is taken exactly once, with its contents; nothing is lost by growth; a slot that was never
// written is never read.
#include "model.hpp"

#include "sched/deque.hpp"  // work_deque

namespace {

using mo = std::memory_order;

using weft::detail::deque_orders;
using weft::detail::steal_result;
using weft::detail::work_deque;

// The shipped orders, as variables: a mutant changes one in its own process.
struct orders {
  static inline std::memory_order push_top = deque_orders::push_top;
  static inline std::memory_order push_bottom = deque_orders::push_bottom;
  static inline std::memory_order publish_bottom = deque_orders::publish_bottom;
  static inline std::memory_order grow = deque_orders::grow;
  static inline std::memory_order pop_bottom = deque_orders::pop_bottom;
  static inline std::memory_order pop_top = deque_orders::pop_top;
  static inline std::memory_order steal_top = deque_orders::steal_top;
  static inline std::memory_order steal_bottom = deque_orders::steal_bottom;
  static inline std::memory_order steal_ring = deque_orders::steal_ring;
  static inline std::memory_order steal_take = deque_orders::steal_take;
  static inline std::memory_order scan_bottom = deque_orders::scan_bottom;
};

struct item {
  model::plain<int> payload{0};
  model::plain<int> times_taken{0};

  void take() {
    RL_ASSERT(payload == 5);
    times_taken = times_taken + 1;  // a second taker would race with the first
  }
};

// Scripts for the owner: one letter an operation. + push, P push_published, - pop, s steal.
struct fill_and_drain {
  static constexpr const char* script = "++-+P---";
};
struct grow_twice {
  static constexpr const char* script = "+++PP--";
};
struct last_one {
  static constexpr const char* script = "P-P-+-s";
};

template <class Script>
struct deque_test : rl::test_suite<deque_test<Script>, 3> {
  static constexpr int most = 6;
  work_deque<item, model::checked_atomics, orders> queue{2};
  item items[most];
  int pushed = 0;  // the owner's

  void thread(unsigned index) {
    if (index == 0) {
      own();
    } else {
      for (int i = 0; i != 2; ++i) {
        steal();
      }
    }
  }

  void steal() {
    item* taken = nullptr;
    if (queue.steal(taken) == steal_result::success) {
      taken->take();
    }
  }

  void own() {
    for (const char* op = Script::script; *op != '\0'; ++op) {
      if (*op == '-') {
        if (item* const newest = queue.pop(); newest != nullptr) {
          newest->take();
        }
      } else if (*op == 's') {
        steal();
      } else {
        item& next = items[pushed++];
        next.payload = 5;
        RL_ASSERT(*op == '+' ? queue.push(&next) : queue.push_published(&next));
      }
    }
  }

  void after() {
    while (item* const rest = queue.pop()) {
      rest->take();
    }
    RL_ASSERT(queue.empty() && queue.size_hint() == 0);
    for (int i = 0; i != pushed; ++i) {
      RL_ASSERT(items[i].times_taken == 1);
    }
  }
};

constexpr rl::iteration_t many = 400000;

}  // namespace

int main() {
  model::suite s("deque");
  s.holds<deque_test<fill_and_drain>>("fill and drain", 150000);
  s.holds<deque_test<grow_twice>>("grow twice under thieves", 150000);
  s.holds<deque_test<last_one>>("compete for the last one", 150000);
  s.catches<deque_test<fill_and_drain>>("push_bottom relaxed", many, [] { orders::push_bottom = mo::relaxed; });
  s.catches<deque_test<last_one>>("publish_bottom relaxed", many, [] { orders::publish_bottom = mo::relaxed; });
  s.catches<deque_test<grow_twice>>("grow relaxed", many, [] { orders::grow = mo::relaxed; });
  s.catches<deque_test<grow_twice>>("steal_ring relaxed", many, [] { orders::steal_ring = mo::relaxed; });
  s.catches<deque_test<fill_and_drain>>("pop_bottom acq_rel", many, [] { orders::pop_bottom = mo::acq_rel; });
  s.catches<deque_test<fill_and_drain>>("pop_top acquire", many, [] { orders::pop_top = mo::acquire; });
  s.catches<deque_test<fill_and_drain>>("steal_bottom acquire", many, [] { orders::steal_bottom = mo::acquire; });
  s.catches<deque_test<fill_and_drain>>("steal_bottom relaxed", many, [] { orders::steal_bottom = mo::relaxed; });
  s.catches<deque_test<fill_and_drain>>("steal_take acq_rel", many, [] { orders::steal_take = mo::acq_rel; });
  return s.finish();
}
