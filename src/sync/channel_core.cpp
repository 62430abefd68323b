// The channel: a ring of values and two queues of waiters under one spin lock.
//
// | bits | name           | meaning                                      | who changes it                         |
// |------|----------------|----------------------------------------------|----------------------------------------|
// | 0    | locked         | somebody works on the channel                | compare-exchange sets, its owner clears |
// | 1    | is_closed      | no more sends                                | owner of the lock, once                |
// | 2    | senders_wait   | the senders' queue is not empty              | owner of the lock                      |
// | 3    | receivers_wait | the receivers' queue is not empty            | owner of the lock                      |
// | 4-63 | count          | values in the ring                           | owner of the lock                      |
//
// While it is locked the word is frozen: the owner changes a copy (held_), and one plain store publishes all of it and
// frees the lock. That store is its last touch of the channel; whom it has woken is in a local list by then.
// Who waits: senders only while the ring is full, receivers only while it is empty and no sender waits. Whoever makes that
// untrue serves the first waiter in the same section, so values and waiters never pass each other. (Places whose wait is
// over already may lie in a queue a little longer: their owner needs the lock to unlink them.)
// The whole protocol, with select: docs/design/channel.md.
#include <limits>  // numeric_limits
#include <new>     // align_val_t

#include <weft/sync/channel.hpp>

#include "base/check.hpp"
#include "sync/channel_wait.hpp"

namespace weft::inline v0 {

channel_closed::channel_closed() : std::logic_error("weft: send on a closed channel") {}

namespace detail {

void throw_channel_closed() { throw channel_closed(); }

channel_core::channel_core(std::size_t capacity, const value_ops& ops) : capacity_(capacity), ops_(&ops) {
  if (capacity == 0) return;
  if (capacity > std::numeric_limits<std::ptrdiff_t>::max() / one / ops.size)
    throw std::length_error("weft::channel: the capacity is too large");
  slots_ = static_cast<std::byte*>(::operator new(capacity* ops.size, std::align_val_t(ops.alignment)));
}

channel_core::~channel_core() {
  // relaxed: whoever destroys it has synchronized with the last user already.
  held_ = word_.load(memory_order_relaxed);
  WEFT_CHECK((held_ & (flags & ~is_closed)) == 0, "a channel is destroyed while somebody waits for it");
  for (std::size_t i = 0; i < count() && !ops_->trivial; ++i) ops_->destroy(slot(i));
  if (slots_ != nullptr) ::operator delete(slots_, std::align_val_t(ops_->alignment));
}

void channel_core::spend() { spend_budget_inline(current_worker()); }

std::byte* channel_core::slot(std::size_t n) const noexcept {
  std::size_t at = first_ + n;
  if (at >= capacity_) at -= capacity_;
  return slots_ + at * ops_->size;
}

void channel_core::link(channel_node& place) noexcept {
  channel_node*& first = head(place.which);
  if (first == nullptr) {
    place.next = place.prev = &place;
    first = &place;
    held_ |= place.which == side::send ? senders_wait : receivers_wait;
  } else {
    place.next = first;
    place.prev = first->prev;
    place.prev->next = &place;
    first->prev = &place;
  }
  place.linked = true;
}

void channel_core::unlink(channel_node& place) noexcept {
  if (!place.linked) return;
  place.linked = false;
  channel_node*& first = head(place.which);
  if (place.next == &place) {
    first = nullptr;
    held_ &= ~(place.which == side::send ? senders_wait : receivers_wait);
    return;
  }
  place.prev->next = place.next;
  place.next->prev = place.prev;
  if (first == &place) first = place.next;
}

// Wins the first waiter that is still to be had; one whose timeout or stop has won, or that was won at another channel, is
// only unlinked. A winner needs this channel no more: its other places here are taken out as well.
channel_node* channel_core::claim_first(side which) noexcept {
  while (channel_node* const n = head(which)) {
    unlink(*n);
    channel_wait& w = *n->wait;
    if (!w.claim_inline(wake::notified)) continue;
    w.winner = n;
    for (channel_node* p = w.places; p != nullptr; p = p->peer) {
      if (p->channel == this) unlink(*p);
    }
    return n;
  }
  return nullptr;
}

exchange channel_core::put(void* value, woken_list& woken) {
  if ((held_ & is_closed) != 0) return exchange::closed;
  if (channel_node* const receiver = claim_first(side::receive)) {
    woken.add(*receiver);
    receiver->wait->result = exchange::again;  // should the move throw
    ops_->take(receiver->value, value);
    receiver->wait->result = exchange::done;
    return exchange::done;
  }
  if (count() == capacity_) return exchange::not_ready;
  ops_->put(slot(count()), value);
  held_ += one;
  return exchange::done;
}

exchange channel_core::take(void* result, woken_list& woken) {
  if (count() != 0) {
    std::byte* const value = slot(0);
    ops_->take(result, value);
    ops_->destroy(value);
    first_ = first_ + 1 == capacity_ ? 0 : first_ + 1;
    held_ -= one;
    refill(woken);
    return exchange::done;
  }
  if (channel_node* const sender = claim_first(side::send)) {
    woken.add(*sender);
    sender->wait->result = exchange::again;  // should the move throw
    ops_->take(result, sender->value);
    sender->wait->result = exchange::done;
    return exchange::done;
  }
  return (held_ & is_closed) != 0 ? exchange::closed : exchange::not_ready;
}

// There is room: it is the first sender's. One whose move throws shall see the exception itself, when it tries again.
void channel_core::refill(woken_list& woken) noexcept {
  while (count() != capacity_) {
    channel_node* const sender = claim_first(side::send);
    if (sender == nullptr) return;
    woken.add(*sender);
    try {
      ops_->put(slot(count()), sender->value);
      held_ += one;
      sender->wait->result = exchange::done;
    } catch (...) {
      sender->wait->result = exchange::again;
    }
  }
}

exchange channel_core::try_transfer(side which, void* value) {
  worker* const here = current_worker();
  exchange done = exchange::not_ready;
  {
    section inside(*this, here);
    done = attempt(which, value, inside.woken);
  }
  spend_budget_inline(here);  // also in vain: a loop that polls must not keep the other side from running
  return done;
}

exchange channel_core::transfer(side which, void* value, time_point deadline) {
  worker* const here = current_worker();
  const char* const what = which == side::send ? "channel send" : "channel receive";
  for (;;) {
    exchange done = exchange::not_ready;
    if (looks_ready(which)) {
      section inside(*this, here);
      done = attempt(which, value, inside.woken);
    }
    if (done != exchange::not_ready) {
      spend_budget_inline(here);
      return done;
    }
    channel_node place;
    channel_wait self(here, &place, what);
    place.which = which;
    place.channel = this;
    place.value = value;
    place.wait = &self;
    {
      section inside(*this, here);
      done = attempt(which, value, inside.woken);
      if (done == exchange::not_ready) link(place);
    }
    if (done != exchange::not_ready) {
      self.give_up();
      spend_budget_inline(here);
      return done;
    }
    const wake why = self.park_at_places(deadline, what, [&] {
      lock();
      unlink(place);
      unlock();
    });
    if (why == wake::stopped) throw_cancelled(what);
    if (why != wake::notified) {
      spend_budget_inline(here);
      return exchange::not_ready;
    }
    if (self.result != exchange::again) return self.result;
  }
}

void channel_core::close() noexcept {
  woken_list woken;
  lock();
  if ((held_ & is_closed) == 0) {
    held_ |= is_closed;
    for (const side which : {side::receive, side::send}) {
      while (channel_node* const n = claim_first(which)) {
        n->wait->result = exchange::closed;
        woken.add(*n);
      }
    }
  }
  unlock();  // the last touch
  woken.deliver_all(current_worker());
}

}  // namespace detail
}  // namespace weft::inline v0
