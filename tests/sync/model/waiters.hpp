// What stands for waiters and parking in the models of the primitives' words: the shipped list, nodes whose every field
// is watched for data races, and a claim with the orders of the park word (which has a model of its own).
#pragma once
#include "sched/model/model.hpp"

#include "sync/queue_word.hpp"  // circle, lock_queue, unlock_queue

namespace model {

// A waiter on its owner's stack: after its wait it writes the links, so that a late touch is a race.
struct waiter {
  plain<waiter*> next{nullptr}, prev{nullptr};
  plain<bool> linked{false};
  checked_atomic<int> outcome{armed};
  gate delivered;

  static constexpr int armed = 0, notified = 1, timed_out = 2;
  bool claim(int why) {
    int seen = armed;
    return outcome.compare_exchange_strong(seen, why, memory_order::acq_rel, memory_order::relaxed);
  }
  void gone() {
    next = nullptr;
    prev = nullptr;
    linked = false;
  }
};
using waiters = weft::detail::circle<waiter>;

// Those a waker lets go, delivered after its last touch.
class let_go {
 public:
  // \return false: nobody was to be had any more
  bool claim_one(waiters& from) {
    while (waiter* w = from.pop_front()) {
      if (w->claim(waiter::notified)) {
        claimed_[count_++] = w;
        return true;
      }
    }
    return false;
  }
  void deliver() {
    for (int i = 0; i < count_; ++i) claimed_[i]->delivered.post();
  }

 private:
  waiter* claimed_[4] = {};
  int count_ = 0;
};

// A mutant of all words: compare and exchange as two steps.
struct torn_atomics {
  template <class T>
  struct atomic : checked_atomic<T> {
    using checked_atomic<T>::checked_atomic;
    bool compare_exchange_weak(T& expected, T v, memory_order, memory_order) {
      const T seen = this->load(memory_order::acquire);
      const bool same = seen == expected;
      expected = seen;
      if (same) this->store(v, memory_order::release);
      return same;
    }
  };
};

// In the place of queue_spin.
struct stepping_spin {
  void pause() { step_back(); }
};

}  // namespace model
