// Two producers push mail, one of them also pokes; the consumer takes everything and sleeps whenever there is nothing.
// Checked: every node arrives once, each producer's in order, its contents visible; no wake-up is lost (else the
// consumer's gate is never opened: deadlock); whoever ends a sleep sees what the sleeper wrote before it.
#include "model.hpp"

#include "sched/inbox.hpp"  // inbox

namespace {

using mo = std::memory_order;

using weft::detail::inbox;
using weft::detail::inbox_orders;
using weft::detail::sleep_kind;

// The shipped orders, as variables: a mutant changes one in its own process.
struct orders {
  static inline std::memory_order push = inbox_orders::push;
  static inline std::memory_order take_all = inbox_orders::take_all;
  static inline std::memory_order fall_asleep = inbox_orders::fall_asleep;
  static inline std::memory_order wake_up = inbox_orders::wake_up;
  static inline std::memory_order hint = inbox_orders::hint;
  static inline std::memory_order poke = inbox_orders::poke;
};

constexpr int per_producer = 2;
constexpr int total = 2 * per_producer;

struct inbox_test : rl::test_suite<inbox_test, 3> {
  inbox<model::node, model::checked_atomics, orders> mail;
  model::node nodes[total];
  // The gate is a relaxed flag: a futex gives no order either, whatever is needed must come from the inbox's word.
  model::checked_atomic<int> wakes{0};
  model::plain<int> sleepers_state[total + 2];  // written by the sleeper before each sleep, read by whoever ends it
  model::plain<int> reason{0};                  // written by the poker, read by the consumer when a poke woke it

  void thread(unsigned index) {
    if (index == 0) {
      consume();
    } else {
      produce(static_cast<int>(index - 1));
    }
  }

  void produce(int who) {
    if (who == 1) {
      reason = 7;
      end_sleep(mail.poke());
    }
    for (int i = 0; i != per_producer; ++i) {
      model::node& n = nodes[who * per_producer + i];
      n.payload = 1 + who * per_producer + i;
      end_sleep(mail.push(&n));
    }
  }

  void end_sleep(sleep_kind replaced) {
    if (replaced != sleep_kind::none) {
      RL_ASSERT(replaced == sleep_kind::futex);
      const int sleep = wakes.fetch_add(1, mo::relaxed);
      RL_ASSERT(sleepers_state[sleep] == sleep + 1);
    }
  }

  void consume() {
    int last[2] = {0, 0};
    int slept = 0;
    for (int taken = 0; taken != total;) {
      model::node* n = mail.take_all();
      while (n != nullptr) {
        model::node* const next = n->next;
        const int value = n->payload;
        const int who = (value - 1) / per_producer;
        RL_ASSERT(value > last[who]);
        last[who] = value;
        ++taken;
        n = next;
      }
      if (taken == total) {
        break;
      }
      sleepers_state[slept] = slept + 1;
      if (mail.fall_asleep(sleep_kind::futex)) {
        ++slept;
        while (wakes.load(mo::relaxed) < slept) {
          model::step_back();
        }
        RL_ASSERT(!mail.wake_up());  // only somebody else ends a sleep here
        if (mail.empty_hint()) {
          RL_ASSERT(reason == 7);
        }
      }
    }
    RL_ASSERT(mail.take_all() == nullptr);
    RL_ASSERT(mail.asleep() == sleep_kind::none);
  }
};

constexpr rl::iteration_t many = 400000;

}  // namespace

int main() {
  model::suite s("inbox");
  s.holds<inbox_test>("two producers, a poker, a consumer that sleeps", 200000);
  s.catches<inbox_test>("push without release", many, [] { orders::push = mo::acquire; });
  s.catches<inbox_test>("push without acquire", many, [] { orders::push = mo::release; });
  s.catches<inbox_test>("take_all relaxed", many, [] { orders::take_all = mo::relaxed; });
  s.catches<inbox_test>("fall_asleep without release", many, [] { orders::fall_asleep = mo::acquire; });
  s.catches<inbox_test>("wake_up relaxed", many, [] { orders::wake_up = mo::relaxed; });
  s.catches<inbox_test>("poke without release", many, [] { orders::poke = mo::acquire; });
  // The load before the compare-exchange acquires too, but perhaps from an earlier sleep.
  s.catches<inbox_test>("poke without acquire", many, [] { orders::poke = mo::release; });
  return s.finish();
}
