// Select: one armed wait with a place at each of several channels.
//
// The one idea: whoever acts is not armed. A select that looks for a ready case holds the locks of all its channels, taken
// in the order of their addresses, and has no place in any queue, so nobody can commit it to anything meanwhile; it needs
// to win only the other side's claim. If nothing is ready it enters all the queues before it lets go of the first lock.
// From then on it is passive: the first claim at any of its places decides, and the winner does the work. So a match of
// two selects needs one claim, there is no order of claims to deadlock on, and each commits exactly once.
#include <weft/sync/select.hpp>

#include <functional>  // less

#include "sched/random.hpp"
#include "sync/channel_wait.hpp"

namespace weft::inline v0::detail {
namespace {

constexpr const char* what = "select";

class selection {
 public:
  selection(select_case* cases, std::size_t n) : here_(current_worker()), cases_(cases) {
    for (std::size_t i = 0; i < n; ++i) {
      select_case& c = cases[i];
      if (c.kind == case_kind::channel) {
        add_to_lock_order(c);
        c.peer = first_place_;
        first_place_ = &c;
      } else if (c.kind == case_kind::otherwise) {
        if (otherwise_ == nullptr) otherwise_ = &c;
      } else if (timeout_ == nullptr || c.deadline < timeout_->deadline) {
        timeout_ = &c;
      }
    }
    draw_order();
  }

  std::size_t run() {
    for (;;) {
      select_case* done = nullptr;
      if (otherwise_ != nullptr || any_looks_ready()) done = commit_ready(nullptr);
      if (done == nullptr) done = otherwise_;
      if (done != nullptr) {
        spend_budget_inline(here_);
        return position(*done);
      }
      channel_wait self(here_, first_place_, what);
      done = commit_ready(&self);
      if (done != nullptr) {
        self.give_up();
        spend_budget_inline(here_);
        return position(*done);
      }
      done = park(self);
      if (done != nullptr) return position(*done);
    }
  }

 private:
  // The locks of all channels, each once. The lists are changed and the values moved in between.
  class section {
   public:
    explicit section(selection& s) noexcept : selection_(s), ban_(s.here_, s.lock_first_ != nullptr) {
      s.for_each_channel([](channel_core& c) { c.lock(); });
    }
    ~section() {
      selection_.for_each_channel([](channel_core& c) { c.unlock(); });
      woken.deliver_all(selection_.here_);
    }
    section(const section&) = delete;
    section& operator=(const section&) = delete;

   private:
    selection& selection_;
    suspension_ban ban_;

   public:
    channel_core::woken_list woken;
  };

  template <class Do>
  void for_each_channel(Do action) {
    channel_core* last = nullptr;
    for (select_case* c = lock_first_; c != nullptr; c = c->lock_next) {
      if (c->channel != last) action(*c->channel);
      last = c->channel;
    }
  }

  void add_to_lock_order(select_case& c) noexcept {
    select_case** at = &lock_first_;
    while (*at != nullptr && std::less<>()((*at)->channel, c.channel)) at = &(*at)->lock_next;
    c.lock_next = *at;
    *at = &c;
  }

  // A random permutation: the first ready case in it is as likely to be one as another. Inside-out: each case goes to a
  // random place among those before it.
  void draw_order() noexcept {
    std::size_t placed = 0;
    for (channel_node* p = first_place_; p != nullptr; p = p->peer, ++placed) {
      auto& c = static_cast<select_case&>(*p);
      select_case** at = &try_first_;
      for (std::size_t skip = placed == 0 ? 0 : random_below(placed + 1, here_); skip != 0; --skip)
        at = &(*at)->try_next;
      c.try_next = *at;
      *at = &c;
    }
  }

  bool any_looks_ready() const noexcept {
    for (const channel_node* p = first_place_; p != nullptr; p = p->peer) {
      if (p->channel->looks_ready(p->which)) return true;
    }
    return false;
  }

  // Does the first ready case. If there is none, and `self` is given, enters all queues. Nobody can claim `self` before.
  select_case* commit_ready(channel_wait* self) {
    select_case* done = nullptr;
    {
      section inside(*this);
      for (select_case* c = try_first_; c != nullptr && done == nullptr; c = c->try_next) {
        result_ = c->channel->attempt(c->which, c->value, inside.woken);
        if (result_ != exchange::not_ready) done = c;
      }
      if (done == nullptr && self != nullptr) {
        for (channel_node* p = first_place_; p != nullptr; p = p->peer) {
          p->wait = self;
          p->channel->link(*p);
        }
      }
    }
    return done;
  }

  // Null: the other side's move threw; look again.
  select_case* park(channel_wait& self) {
    const time_point deadline = timeout_ != nullptr ? timeout_->deadline : no_deadline;
    const wake why = self.park_at_places(deadline, what, [this] { leave_queues(nullptr); });
    if (why == wake::stopped) throw_cancelled(what);
    if (why == wake::timed_out) {
      spend_budget_inline(here_);
      return timeout_;
    }
    leave_queues(self.winner->channel);
    result_ = self.result;
    return result_ == exchange::again ? nullptr : static_cast<select_case*>(self.winner);
  }

  // The winner has taken all places out of its own channel's queues, and that channel may be gone.
  void leave_queues(const channel_core* winners) noexcept {
    for_each_channel([&](channel_core& of) {
      if (&of == winners) return;
      of.lock();
      for (channel_node* p = first_place_; p != nullptr; p = p->peer) {
        if (p->channel == &of) of.unlink(*p);
      }
      of.unlock();
    });
  }

  std::size_t position(const select_case& done) const {
    if (done.kind == case_kind::channel && done.which == side::send && result_ == exchange::closed)
      throw_channel_closed();
    return static_cast<std::size_t>(&done - cases_);
  }

  worker* const here_;
  select_case* const cases_;
  channel_node* first_place_ = nullptr;  // of the channel cases, linked by peer
  select_case* lock_first_ = nullptr;
  select_case* try_first_ = nullptr;
  select_case* otherwise_ = nullptr;
  select_case* timeout_ = nullptr;
  exchange result_ = exchange::not_ready;  // of the chosen channel case
};

}  // namespace

std::size_t select_cases(select_case* cases, std::size_t n) { return selection(cases, n).run(); }

}  // namespace weft::inline v0::detail
