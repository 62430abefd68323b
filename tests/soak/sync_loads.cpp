// Loads of channels, locks and timers.
#include <deque>         // bounded queue
#include <mutex>         // unique_lock
#include <shared_mutex>  // shared_lock
#include <vector>        // fibers

#include <weft/weft.hpp>

#include "load.hpp"

namespace soak {
namespace {

using namespace std::chrono_literals;

struct message {
  std::uint32_t sender, number;
};

// What one receiver has seen. Of one sender each receiver gets rising numbers.
struct reader {
  std::vector<std::int64_t> last;
  std::uint64_t messages = 0, sum = 0;
  bool in_order = true;  // looked at in the end: senders wait until all is read
  void take(const message& m) {
    in_order = in_order && last[m.sender] < static_cast<std::int64_t>(m.number);
    last[m.sender] = m.number;
    ++messages;
    sum += m.number;
  }
};

void one_round_of_channels(chance& draw) {
  const std::uint32_t senders = 1 + static_cast<std::uint32_t>(below(draw, 5));
  const std::uint32_t each = static_cast<std::uint32_t>(below(draw, 2000));
  const std::uint64_t receivers = 1 + below(draw, 4);
  weft::channel<message> first(below(draw, 64)), second(below(draw, 4));
  std::vector<weft::fiber<>> sending;
  std::vector<weft::fiber<reader>> receiving;
  for (std::uint32_t s = 0; s < senders; ++s) {
    sending.push_back(weft::spawn({.name = "sender", .spread = true}, [&, s] {
      for (std::uint32_t i = 0; i < each; ++i) (i % 2 == 0 ? first : second).send({s, i});
    }));
  }
  for (std::uint64_t r = 0; r < receivers; ++r) {
    receiving.push_back(weft::spawn({.name = "receiver", .spread = true}, [&] {
      // One channel's numbers rise, those of the two together need not.
      reader of_first{.last = std::vector<std::int64_t>(senders, -1)}, of_second = of_first;
      for (bool open = true, other_open = true; open || other_open;) {
        if (!open || !other_open) {
          auto m = (open ? first : second).receive();
          if (!m) break;
          (open ? of_first : of_second).take(*m);
          continue;
        }
        weft::select(
            weft::on_receive(first, [&](std::optional<message> m) { m ? of_first.take(*m) : void(open = false); }),
            weft::on_receive(second,
                             [&](std::optional<message> m) { m ? of_second.take(*m) : void(other_open = false); }));
      }
      of_first.messages += of_second.messages;
      of_first.sum += of_second.sum;
      of_first.in_order = of_first.in_order && of_second.in_order;
      return of_first;
    }));
  }
  for (auto& s : sending) s.join();
  first.close();
  second.close();
  std::uint64_t messages = 0, sum = 0;
  for (auto& r : receiving) {
    const reader had = r.join();
    messages += had.messages;
    sum += had.sum;
    demand(had.in_order, "channels: messages came out of order");
  }
  demand(messages == std::uint64_t{senders} * each, "channels: a message was lost or doubled");
  demand(sum == std::uint64_t{senders} * each * (each > 0 ? each - 1 : 0) / 2, "channels: a message was changed");
}

// Two numbers that are equal whenever the lock is free.
struct pair_under_lock {
  weft::mutex mutex;
  weft::shared_mutex shared;
  std::uint64_t left = 0, right = 0, read_left = 0, read_right = 0;
};

void change(pair_under_lock& pair, chance draw, int times) {
  for (int i = 0; i < times; ++i) {
    if (below(draw, 4) == 0) {
      const std::unique_lock lock(pair.shared);
      ++pair.read_left;
      if (below(draw, 2) == 0) weft::this_fiber::yield();
      ++pair.read_right;
    } else if (below(draw, 2) == 0) {
      const std::shared_lock lock(pair.shared);
      if (below(draw, 4) == 0) weft::this_fiber::yield();
      demand(pair.read_left == pair.read_right, "locks: a reader saw a writer at work");
    }
    const std::unique_lock lock(pair.mutex);
    ++pair.left;
    if (below(draw, 8) == 0) weft::this_fiber::yield();
    ++pair.right;
    demand(pair.left == pair.right, "locks: two held the mutex");
  }
}

void one_round_of_a_queue(int wanted) {
  weft::mutex mutex;
  weft::condition_variable not_empty, not_full;
  std::deque<int> queue;
  auto producer = weft::spawn({.spread = true}, [&] {
    for (int i = 0; i < wanted; ++i) {
      std::unique_lock lock(mutex);
      not_full.wait(lock, [&] { return queue.size() < 8; });
      queue.push_back(i);
      not_empty.notify_one();
    }
  });
  for (int i = 0; i < wanted; ++i) {
    std::unique_lock lock(mutex);
    not_empty.wait(lock, [&] { return !queue.empty(); });
    demand(queue.front() == i, "locks: a queue gave another number");
    queue.pop_front();
    not_full.notify_one();
  }
  producer.join();
}

}  // namespace

void channels(const phase& p) {
  chance draw = p.draw(5);
  while (p.goes_on()) {
    one_round_of_channels(draw);
    p.count();
  }
}

void locks(const phase& p) {
  chance draw = p.draw(6);
  while (p.goes_on()) {
    pair_under_lock pair;
    std::vector<weft::fiber<>> fibers;
    constexpr int times = 200;
    for (std::uint64_t i = 0; i < 16; ++i) {
      const chance its_draw = fork(draw);
      fibers.push_back(
          weft::spawn({.name = "locker", .spread = true}, [&, its_draw] { change(pair, its_draw, times); }));
    }
    for (auto& f : fibers) f.join();
    demand(pair.left == fibers.size() * times, "locks: a change was lost");
    one_round_of_a_queue(500);
    p.count();
  }
}

void timers(const phase& p) {
  chance draw = p.draw(7);
  while (p.goes_on()) {
    weft::event never;
    weft::channel<int> silent;
    std::vector<weft::fiber<>> sleepers;
    for (int i = 0; i < 500; ++i) {
      const auto wait = std::chrono::microseconds(below(draw, 50'000));
      sleepers.push_back(weft::spawn([&, i, wait] {
        const auto deadline = clock::now() + wait;
        if (i % 3 == 0) {
          weft::this_fiber::sleep_until(deadline);
        } else if (i % 3 == 1) {
          demand(!never.wait_until(deadline), "timers: an event that nobody sets was set");
        } else {
          demand(!silent.receive_until(deadline), "timers: a channel that nobody writes to gave a value");
        }
        demand(clock::now() >= deadline, "timers: woken early");
      }));
    }
    for (auto& s : sleepers) s.join();
    p.count();
  }
}

}  // namespace soak
