// All attempts of a connection are waited for at once, by an epoll set of their own, which itself is waited for like any
// descriptor: one fiber or plain thread does it all, and whatever ends its wait ends them.
#include "net/eyeballs.hpp"

#include <algorithm>  // find_if, max, min
#include <cerrno>     // EINPROGRESS and others
#include <utility>    // move

#include <sys/epoll.h>   // epoll_event, EPOLLOUT, EPOLLET
#include <sys/socket.h>  // SOCK_STREAM

#include <weft/net/owned_descriptor.hpp>
#include <weft/sched/this_fiber.hpp>  // check_stop

namespace weft::inline v0::detail {
namespace {

class connection_race {
 public:
  connection_race(std::span<const net::endpoint> to, time_point::duration delay,
                  std::vector<failed_attempt>& failures) noexcept
      : to_(to), delay_(delay), failures_(failures) {}

  descriptor run(time_limit& limit, const char* what, std::error_code& error);

 private:
  struct attempt {
    std::size_t index;  // in to_
    net::owned_descriptor socket;
  };

  void start_next();
  int begin(attempt& a);
  int wait_for_events(time_limit& limit, const char* what);
  void settle(std::size_t index);
  void fail(std::size_t index, int why) {
    failures_.push_back({to_[index], to_error_code(why)});
    next_start_ = time_point::min();
  }
  bool more() const noexcept { return next_ < to_.size(); }

  std::span<const net::endpoint> to_;
  time_point::duration delay_;
  std::vector<failed_attempt>& failures_;
  std::size_t next_ = 0;                       // the attempt that has not begun
  time_point next_start_ = time_point::min();  // when it does, at the latest
  std::vector<attempt> pending_;
  net::owned_descriptor winner_;
  descriptor events_;  // the epoll set of those pending; made with the first that is not decided at once
};

// 0: connected. EINPROGRESS: in the set. Else why it failed.
int connection_race::begin(attempt& a) {
  const net::endpoint& to = to_[a.index];
  const os::result made = os::socket(to.family(), SOCK_STREAM);
  if (!made.ok()) {
    return made.error;
  }
  a.socket.reset(made.fd());
  const int state = os::connect(made.fd(), to.data(), to.size()).error;
  if (state != EINPROGRESS && state != EINTR) {  // EINTR: the attempt goes on without us, as POSIX says
    return state;
  }
  if (events_.handle().slot == nullptr) {
    const os::result set = os::epoll_create();
    if (!set.ok()) {
      return set.error;
    }
    events_ = raw_descriptor(set.fd()).adopt();
  }
  const descriptor_hold set(events_.handle());
  const os::result added = os::epoll_add(set.fd(), made.fd(), EPOLLOUT | EPOLLET, a.index);
  return added.ok() ? EINPROGRESS : added.error;
}

void connection_race::start_next() {
  pending_.reserve(to_.size());
  const std::size_t index = next_++;
  const time_point start = now();
  next_start_ = delay_ < no_deadline - start ? start + delay_ : no_deadline;
  attempt a{index, {}};
  const int state = begin(a);
  if (state == EINPROGRESS) {
    pending_.push_back(std::move(a));
  } else if (state == 0) {
    winner_ = std::move(a.socket);
  } else {
    fail(index, state);
  }
}

// An event of an attempt: it is decided now, or was none of it.
void connection_race::settle(std::size_t index) {
  const auto a = std::find_if(pending_.begin(), pending_.end(), [&](const attempt& p) { return p.index == index; });
  const int state = a == pending_.end() ? EINPROGRESS : connection_state(a->socket.get());
  if (state == EINPROGRESS) {
    return;
  }
  const descriptor_hold set(events_.handle());
  os::epoll_delete(set.fd(), a->socket.get());  // a duplicate in a child process would go on to report it
  if (state == 0) {
    winner_ = std::move(a->socket);
  } else {
    fail(index, state);
  }
  pending_.erase(a);
}

// Until something happened or the next attempt is due. 0, or why the whole ends.
int connection_race::wait_for_events(time_limit& limit, const char* what) {
  epoll_event events[8];
  const time_point deadline = limit.deadline();
  time_limit pause(more() ? std::min(deadline, next_start_) : deadline);
  const os::result r = run_io(events_.handle(), direction::read, pause, what, 0, short_read::says_nothing, [&](int fd) {
    const os::result got = os::epoll_wait(fd, events, 8, 0);
    return got.ok() && got.value == 0 ? os::result{-1, EAGAIN} : got;
  });
  if (r.error == ETIMEDOUT) {
    return deadline <= now() ? ETIMEDOUT : 0;
  }
  for (std::size_t i = 0; r.ok() && i < r.count() && !winner_; ++i) {
    settle(static_cast<std::size_t>(events[i].data.u64));
  }
  return r.error;
}

descriptor connection_race::run(time_limit& limit, const char* what, std::error_code& error) {
  for (int ended = 0; ended == 0;) {
    this_fiber::check_stop();
    if (more() && (pending_.empty() || next_start_ <= now())) {
      start_next();
    } else if (pending_.empty()) {
      error = most_telling(failures_);
      return {};
    } else {
      ended = wait_for_events(limit, what);
      error = to_error_code(ended);
    }
    if (winner_) {
      error.clear();
      spend_budget();  // it may have been decided without a wait
      return raw_descriptor(winner_.release()).adopt();
    }
  }
  return {};
}

bool is_about_the_family(const std::error_code& why) noexcept {
  return why == std::errc::network_unreachable || why == std::errc::address_family_not_supported ||
         why == std::errc::address_not_available;
}

}  // namespace

std::vector<net::endpoint> interleave_families(std::span<const net::endpoint> found) {
  std::vector<net::endpoint> first, second, mixed;
  for (const net::endpoint& one : found) {
    (one.family() == found.front().family() ? first : second).push_back(one);
  }
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) {
      mixed.push_back(first[i]);
    }
    if (i < second.size()) {
      mixed.push_back(second[i]);
    }
  }
  return mixed;
}

descriptor connect_to_any(std::span<const net::endpoint> to, time_point::duration delay, time_limit& limit,
                          const char* what, std::vector<failed_attempt>& failures, std::error_code& error) {
  return connection_race(to, delay, failures).run(limit, what, error);
}

std::error_code most_telling(std::span<const failed_attempt> failures) noexcept {
  for (const failed_attempt& one : failures) {
    if (!is_about_the_family(one.why)) {
      return one.why;
    }
  }
  return failures.front().why;
}

std::string list_failures(std::span<const failed_attempt> failures) {
  std::string text;
  for (const failed_attempt& one : failures) {
    text += (text.empty() ? " (" : "; ") + one.to.to_string() + ": " + one.why.message();
  }
  return text.empty() ? text : text + ")";
}

}  // namespace weft::inline v0::detail
