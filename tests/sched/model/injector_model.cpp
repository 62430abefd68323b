// Two threads push, one of them a chain; two take everything there is.
// Checked: every node arrives exactly once, with its contents, and the nodes of one taking are in the order in which
// they were pushed.
#include "model.hpp"

#include "sched/injector.hpp"  // injector

namespace {

using mo = std::memory_order;

using weft::detail::injector;
using weft::detail::injector_orders;

// The shipped orders, as variables: a mutant changes one in its own process.
struct orders {
  static inline std::memory_order push = injector_orders::push;
  static inline std::memory_order take_all = injector_orders::take_all;
  static inline std::memory_order empty = injector_orders::empty;
};

constexpr int per_producer = 3;
constexpr int total = 2 * per_producer;

struct injector_test : rl::test_suite<injector_test, 4> {
  injector<model::node, model::checked_atomics, orders> queue;
  model::node nodes[total];
  model::plain<int> times_taken[total];

  void thread(unsigned index) {
    if (index < 2) {
      produce(static_cast<int>(index));
    } else {
      take(3);
    }
  }

  void produce(int who) {
    model::node* const own = nodes + who * per_producer;
    for (int i = 0; i != per_producer; ++i) {
      own[i].payload = 1 + who * per_producer + i;
    }
    queue.push(&own[0]);
    if (who == 0) {
      queue.push(&own[1]);
      queue.push(&own[2]);
    } else {
      own[2].next = &own[1];
      queue.push_chain(&own[2], &own[1]);
    }
  }

  void take(int tries) {
    for (int i = 0; i != tries; ++i) {
      int last[2] = {0, 0};
      for (model::node* n = queue.take_all(); n != nullptr;) {
        model::node* const rest = n->next;
        const int value = n->payload;
        const int who = (value - 1) / per_producer;
        RL_ASSERT(value > last[who]);
        last[who] = value;
        times_taken[value - 1] = times_taken[value - 1] + 1;  // a second taker would race with the first
        n = rest;
      }
    }
  }

  void after() {
    take(1);
    RL_ASSERT(queue.empty());
    for (const model::plain<int>& times : times_taken) {
      RL_ASSERT(times == 1);
    }
  }
};

}  // namespace

int main() {
  model::suite s("injector");
  s.holds<injector_test>("two producers, two takers", 100000);
  s.catches<injector_test>("push without release", 100000, [] { orders::push = mo::acquire; });
  s.catches<injector_test>("take_all relaxed", 100000, [] { orders::take_all = mo::relaxed; });
  return s.finish();
}
