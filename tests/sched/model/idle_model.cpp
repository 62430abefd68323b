// Two workers that search, run and sleep as the idle protocol says, and work that comes from outside or from one of
// them.
// Checked: all work is run although the first item blocks its worker until the second one has run, so that a worker
// that sleeps while work waits is a deadlock; and the counts are even in the end.
#include "model.hpp"

#include "sched/deque.hpp"     // work_deque
#include "sched/idle.hpp"      // idle_set
#include "sched/inbox.hpp"     // inbox
#include "sched/injector.hpp"  // injector

namespace {

using mo = std::memory_order;

using weft::detail::deque_orders;
using weft::detail::idle_orders;
using weft::detail::idle_set;
using weft::detail::inbox;
using weft::detail::inbox_orders;
using weft::detail::injector;
using weft::detail::injector_orders;
using weft::detail::sleep_kind;
using weft::detail::steal_result;
using weft::detail::work_deque;

// The shipped orders, as variables, and the steps that the proof rests on: a mutant changes one in its own process.
struct idle_variant {
  static inline std::memory_order announce = idle_orders::announce;
  static inline std::memory_order end_search = idle_orders::end_search;
  static inline std::memory_order should_wake = idle_orders::should_wake;
  static inline std::memory_order count_woken = idle_orders::count_woken;
  static inline std::memory_order balanced = idle_orders::balanced;
};
struct mail_variant {
  static inline std::memory_order push = inbox_orders::push;
  static inline std::memory_order take_all = inbox_orders::take_all;
  static inline std::memory_order fall_asleep = inbox_orders::fall_asleep;
  static inline std::memory_order wake_up = inbox_orders::wake_up;
  static inline std::memory_order hint = inbox_orders::hint;
  static inline std::memory_order poke = inbox_orders::poke;
};
struct queue_variant {
  static inline std::memory_order push = injector_orders::push;
  static inline std::memory_order take_all = injector_orders::take_all;
  static inline std::memory_order empty = injector_orders::empty;
};
struct deque_variant {
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
bool looks_before_sleep = true;
bool looks_after_last_search = true;
bool mail_counts_the_woken = true;

constexpr unsigned workers = 2;

struct world {
  using atomics = model::checked_atomics;

  idle_set<atomics, idle_variant> idle;
  inbox<model::node, atomics, mail_variant> mail[workers];
  work_deque<model::node, atomics, deque_variant> deque0{2}, deque1{2};
  injector<model::node, atomics, queue_variant> queue;
  model::checked_atomic<int> ended{0};
  model::checked_atomic<int> left;
  model::gate bed[workers];
  model::gate second_done;
  model::node first, second;

  explicit world(int items) : left(items) {}

  void before() {
    bed[0].open();
    bed[1].open();
    second_done.open();
    first.payload = 1;
    second.payload = 2;
  }

  void after() {
    bed[0].close();
    bed[1].close();
    second_done.close();
    RL_ASSERT(left.load(mo::relaxed) == 0);
    RL_ASSERT(idle.balanced() && idle.sleepers_hint() == 0 && idle.searchers_hint() == 0);
  }

  auto& deque_of(unsigned i) { return i == 0 ? deque0 : deque1; }

  // ---- what the scheduler does around the protocol

  void wake_one(unsigned from) {
    idle.wake_one(
        workers, from, [this](unsigned i) -> auto& { return mail[i]; },
        [this](unsigned i, sleep_kind) { bed[i].post(); });
  }

  void published(unsigned from) {
    if (idle.should_wake()) {
      wake_one(from);
    }
  }

  bool anything_anywhere() {
    return ended.load(mo::seq_cst) != 0 || !queue.empty() || !deque0.empty() || !deque1.empty();
  }

  model::node* find(unsigned me) {
    if (model::node* const letter = mail[me].take_all()) {
      RL_ASSERT(letter->next == nullptr);
      return letter;
    }
    if (model::node* const own = deque_of(me).pop()) {
      return own;
    }
    if (model::node* const taken = queue.take_all()) {
      for (model::node* rest = taken->next; rest != nullptr;) {
        model::node* const next = rest->next;
        RL_ASSERT(deque_of(me).push_published(rest));
        rest = next;
      }
      return taken;
    }
    model::node* stolen = nullptr;
    while (deque_of(1 - me).steal(stolen) == steal_result::lost_race) {
    }
    return stolen;
  }

  void run(const model::node& item) {
    if (item.payload == 1) {
      second_done.wait();
    } else {
      second_done.post();
    }
    if (left.fetch_sub(1, mo::acq_rel) == 1) {
      ended.store(1, mo::seq_cst);
      wake_one(0);
      wake_one(1);
    }
  }

  void work(unsigned me) {
    idle.begin_search();
    while (ended.load(mo::seq_cst) == 0) {
      if (model::node* const found = find(me)) {
        if (idle.end_search() && looks_after_last_search && anything_anywhere()) {
          wake_one(1 - me);
        }
        run(*found);
        idle.begin_search();
        continue;
      }
      idle.sleep(
          mail[me], sleep_kind::futex, true, [this] { return looks_before_sleep && anything_anywhere(); },
          [this, me] { bed[me].wait(); });
    }
    (void)idle.end_search();
  }
};

// Work comes from a thread that is no worker.
struct from_outside : rl::test_suite<from_outside, 3>, world {
  from_outside() : world(2) {}
  using world::after;
  using world::before;
  void thread(unsigned index) {
    if (index < workers) {
      work(index);
      return;
    }
    queue.push(&first);
    published(0);
    queue.push(&second);
    published(1);
  }
};

// Work comes from outside, but the first item is mail for one worker, which the other one cannot take. In the end both
// workers wait until the counts are even, as a runtime does before it dies: a waker from outside is then through.
struct mail_and_work : rl::test_suite<mail_and_work, 3>, world {
  model::plain<int> wakers_business{0};

  mail_and_work() : world(2) {}
  using world::after;
  using world::before;
  void thread(unsigned index) {
    if (index == workers) {
      send();
      return;
    }
    work(index);
    while (!idle.balanced()) {
      model::step_back();
    }
    (void)static_cast<int>(wakers_business);  // a race, if the waker could still be at it
  }

  void send() {
    const bool mail_first = rl::rand(2) == 0;
    if (mail_first) {
      send_mail(false);
    }
    queue.push(&second);
    published(0);
    if (!mail_first) {
      send_mail(rl::rand(2) == 0);
    }
  }

  // With `dawdle` all work is done before the woken worker is counted, as when the waker loses its CPU.
  void send_mail(bool dawdle) {
    if (mail[0].push(&first) != sleep_kind::none) {
      bed[0].post();
      while (dawdle && left.load(mo::relaxed) != 0) {
        model::step_back();
      }
      if (mail_counts_the_woken) {
        wakers_business = 1;
        idle.count_woken();
      }
    }
  }
};

// A worker publishes in its own deque and then waits for what it published.
struct from_a_worker : rl::test_suite<from_a_worker, 2>, world {
  from_a_worker() : world(2) {}
  using world::after;
  using world::before;
  void thread(unsigned index) {
    if (index == 0) {
      RL_ASSERT(deque0.push_published(&second));
      published(0);
      run(first);
    }
    work(index);
  }
};

constexpr rl::iteration_t many = 1000000;

}  // namespace

int main() {
  model::suite s("idle");
  s.holds<from_outside>("work from outside", 100000);
  s.holds<from_a_worker>("work from a worker", 100000);
  s.holds<mail_and_work>("mail for one worker, work for the other", 100000);
  s.catches<from_outside>("announce acq_rel", many, [] { idle_variant::announce = mo::acq_rel; });
  s.catches<from_outside>("end_search acq_rel", many, [] { idle_variant::end_search = mo::acq_rel; });
  s.catches<from_outside>("should_wake acquire", many, [] { idle_variant::should_wake = mo::acquire; });
  s.catches<from_outside>("fall_asleep acq_rel", many, [] { mail_variant::fall_asleep = mo::acq_rel; });
  s.catches<from_outside>("poke looks with acquire only", many, [] { mail_variant::hint = mo::acquire; });
  s.catches<from_outside>("injector push acq_rel", many, [] { queue_variant::push = mo::acq_rel; });
  s.catches<from_outside>("injector empty acquire", many, [] { queue_variant::empty = mo::acquire; });
  s.catches<from_a_worker>("deque push_published acq_rel", many, [] { deque_variant::publish_bottom = mo::acq_rel; });
  s.catches<from_a_worker>("deque empty acquire", many, [] { deque_variant::scan_bottom = mo::acquire; });
  s.catches<from_outside>("no look before sleep", many, [] { looks_before_sleep = false; });
  s.catches<from_outside>("no look after the last search", many, [] { looks_after_last_search = false; });
  s.catches<mail_and_work>("end_search acq_rel, after mail", many, [] { idle_variant::end_search = mo::acq_rel; });
  s.catches<mail_and_work>("mail does not count the worker it wakes", many, [] { mail_counts_the_woken = false; });
  s.catches<mail_and_work>("count_woken relaxed", many, [] { idle_variant::count_woken = mo::relaxed; });
  s.catches<mail_and_work>("balanced relaxed", many, [] { idle_variant::balanced = mo::relaxed; });
  return s.finish();
}
