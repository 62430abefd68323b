// Channels under load: many producers and consumers on real threads and under seeds, while deadlines, stops and close() race
// with the transfers. What is checked is always the same: every value that was sent arrives once, unchanged, in the order
// of its producer; every value that was not sent is still its producer's.
#include <algorithm>   // sort
#include <array>       // self-checking values
#include <atomic>      // progress of threads
#include <chrono>      // durations
#include <cstdint>     // uint64_t
#include <functional>  // function
#include <memory>      // unique_ptr
#include <optional>    // optional
#include <random>      // minstd_rand
#include <thread>      // plain threads
#include <vector>      // fibers

#include <gtest/gtest.h>

#include <weft/fiber/cancelled.hpp>
#include <weft/sched/this_fiber.hpp>
#include <weft/sync/channel.hpp>
#include <weft/sync/select.hpp>

#include "support/schedules.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
using weft::channel;
using weft::on_receive;
using weft::on_send;
using weft::on_timeout;
using weft::otherwise;
using weft::select;

// A value that knows whether it was torn, doubled or used after its move.
class parcel {
 public:
  parcel(unsigned producer, unsigned number) noexcept : producer_(producer), number_(number) {
    for (std::size_t i = 0; i < body_.size(); ++i) body_[i] = expected(i);
  }
  parcel(parcel&& other) noexcept : producer_(other.producer_), number_(other.number_), body_(other.body_) {
    other.number_ = gone;
    other.body_ = {};
  }
  parcel& operator=(parcel&&) = delete;
  ~parcel() { body_ = {}; }
  bool here() const noexcept { return number_ != gone; }
  bool intact() const noexcept {
    for (std::size_t i = 0; i < body_.size(); ++i) {
      if (body_[i] != expected(i)) return false;
    }
    return here();
  }
  unsigned producer() const noexcept { return producer_; }
  unsigned number() const noexcept { return number_; }

 private:
  static constexpr unsigned gone = ~0U;
  std::uint64_t expected(std::size_t i) const noexcept {
    return (std::uint64_t{producer_} << 32 | number_) * 0x9e3779b97f4a7c15U + i;
  }
  unsigned producer_, number_;
  std::array<std::uint64_t, 5> body_;
};

constexpr unsigned producers = 8;
constexpr unsigned consumers = 8;

// What one consumer got: it sees the values of each producer in their order, though not all of them.
class ledger {
 public:
  void enter(const parcel& p, bool in_order = true) {
    EXPECT_TRUE(p.intact());
    if (in_order && !next_[p.producer()].empty()) {
      EXPECT_LT(next_[p.producer()].back(), p.number());
    }
    next_[p.producer()].push_back(p.number());
  }
  const std::vector<unsigned>& of(unsigned producer) const { return next_[producer]; }

 private:
  std::array<std::vector<unsigned>, producers> next_;
};

void expect_all_once(const std::vector<ledger>& ledgers, const std::array<std::vector<unsigned>, producers>& sent) {
  for (unsigned p = 0; p < producers; ++p) {
    std::vector<unsigned> got;
    for (const ledger& l : ledgers) got.insert(got.end(), l.of(p).begin(), l.of(p).end());
    std::sort(got.begin(), got.end());
    EXPECT_EQ(got, sent[p]) << "of producer " << p;
  }
}

std::vector<unsigned> up_to(unsigned n) {
  std::vector<unsigned> all(n);
  for (unsigned i = 0; i < n; ++i) all[i] = i;
  return all;
}

weft::fiber<> start(std::function<void()> work) {
  return weft::spawn({.name = "party", .spread = true}, [work = std::move(work)] { work(); });
}

void many_producers_and_consumers(std::size_t capacity, unsigned each) {
  channel<parcel> c(capacity);
  std::vector<ledger> ledgers(consumers);
  std::vector<weft::fiber<>> sending, receiving;
  for (unsigned i = 0; i < consumers; ++i)
    receiving.push_back(start([&, i] {
      for (const parcel& p : c) ledgers[i].enter(p);
    }));
  for (unsigned p = 0; p < producers; ++p)
    sending.push_back(start([&, p] {
      for (unsigned n = 0; n < each; ++n) c.send(parcel(p, n));
    }));
  for (auto& f : sending) f.join();
  c.close();
  for (auto& f : receiving) f.join();
  std::array<std::vector<unsigned>, producers> sent;
  sent.fill(up_to(each));
  expect_all_once(ledgers, sent);
}

TEST(ChannelStress, ManyProducersAndConsumers) {
  for (const std::size_t capacity : {0U, 1U, 64U}) {
    with_real_workers([&](weft::runtime& rt) {
      rt.run([&] { many_producers_and_consumers(capacity, static_cast<unsigned>(stress_count(60))); });
    });
    // A buffer that eight times four fill only if the receivers come late.
    under_seeds([&](test_runtime& rt) {
      rt.run([&] { many_producers_and_consumers(std::min<std::size_t>(capacity, 16), 4); });
    });
  }
}

// Operations in all their forms by turns: blocking, timed, polling, in a select with others.
class any_way {
 public:
  explicit any_way(unsigned seed) : random_(seed * 7919 + 1) {}

  // One try. False: it was not sent.
  bool try_send(channel<parcel>& c, unsigned producer, unsigned number) {
    parcel p(producer, number);
    const bool sent = try_send(c, p);
    EXPECT_NE(p.intact(), sent);
    return sent;
  }
  // One try. Empty: nothing was taken.
  std::optional<parcel> try_receive(channel<parcel>& c) {
    switch (random_() % 5) {
      case 0:
        return c.receive_for(1h);
      case 1:
        return c.receive_for(short_time());
      case 2:
        return c.try_receive();
      default: {
        std::optional<parcel> got;
        const auto take = [&](std::optional<parcel> v) {
          if (v) got.emplace(std::move(*v));
        };
        if (random_() % 2 == 0) {
          select(on_receive(unused_, take), on_receive(c, take), on_receive(c, take), on_timeout(short_time(), [] {}));
        } else {
          select(on_receive(c, take), on_send(unused_, parcel(0, 0), [] { ADD_FAILURE(); }), otherwise([] {}));
        }
        return got;
      }
    }
  }

 private:
  bool try_send(channel<parcel>& c, parcel& p) {
    switch (random_() % 5) {
      case 0:
        return c.send_for(p, 1h);
      case 1:
        return c.send_for(p, short_time());
      case 2:
        return c.try_send(p);
      default: {
        auto sending = on_send(c, parcel(p.producer(), p.number()), [&] { const parcel spent(std::move(p)); });
        const auto never = [](auto&&) { ADD_FAILURE(); };
        return (random_() % 2 == 0 ? select(sending, on_receive(unused_, never), on_timeout(short_time(), [] {}))
                                   : select(sending, on_receive(unused_, never), otherwise([] {}))) == 0;
      }
    }
  }
  std::chrono::microseconds short_time() { return std::chrono::microseconds(random_() % 100); }

  channel<parcel> unused_;
  std::minstd_rand random_;
};

// The parties of a case: fibers of the running runtime, or plain threads.
class parties {
 public:
  void fiber(std::function<void()> work) { fibers_.push_back(start(std::move(work))); }
  void thread(std::function<void()> work) { threads_.emplace_back(std::move(work)); }
  void join() {
    for (auto& f : fibers_) f.join();
    for (auto& t : threads_) t.join();
  }

 private:
  std::vector<weft::fiber<>> fibers_;
  std::vector<std::thread> threads_;
};

void every_way(std::size_t capacity, unsigned each, bool with_threads) {
  channel<parcel> c(capacity);
  std::vector<ledger> ledgers(consumers);
  std::atomic<unsigned> received{0};
  parties sending, receiving;
  const auto send_all = [&](unsigned p) {
    any_way way(p);
    for (unsigned n = 0; n < each;) {
      if (way.try_send(c, p, n)) ++n;
    }
  };
  const auto receive_some = [&](unsigned i) {
    any_way way(i + 100);
    while (!c.closed() || c.size() != 0) {
      if (const auto got = way.try_receive(c); got) {
        ledgers[i].enter(*got);
        ++received;
      }
    }
  };
  for (unsigned i = 0; i < consumers; ++i) {
    if (with_threads && i % 4 == 0) {
      receiving.thread([&, i] { receive_some(i); });
    } else {
      receiving.fiber([&, i] { receive_some(i); });
    }
  }
  for (unsigned p = 0; p < producers; ++p) {
    if (with_threads && p % 4 == 0) {
      sending.thread([&, p] { send_all(p); });
    } else {
      sending.fiber([&, p] { send_all(p); });
    }
  }
  sending.join();
  c.close();
  receiving.join();
  EXPECT_EQ(received, producers * each);
  std::array<std::vector<unsigned>, producers> sent;
  sent.fill(up_to(each));
  expect_all_once(ledgers, sent);
}

TEST(ChannelStress, EveryWayOfSendingAndReceiving) {
  for (const std::size_t capacity : {0U, 1U, 5U}) {
    with_real_workers([&](weft::runtime& rt) {
      rt.run([&] { every_way(capacity, static_cast<unsigned>(stress_count(200)), true); });
    });
    under_seeds([&](test_runtime& rt) { rt.run([&] { every_way(capacity, 15, false); }); });
  }
}

// Stops come at any moment: a send that was cancelled has not sent, a receive that was cancelled has not taken.
void stopped_anywhere(std::size_t capacity, unsigned rounds) {
  channel<parcel> c(capacity);
  std::vector<ledger> ledgers(consumers + 1);
  std::array<std::vector<unsigned>, producers> sent;
  std::minstd_rand random(static_cast<unsigned>(rounds + capacity));
  for (unsigned round = 0; round < rounds; ++round) {
    std::vector<weft::fiber<>> all;
    for (unsigned p = 0; p < producers; ++p) {
      all.push_back(start([&, p] {
        any_way way(p + round);
        for (unsigned n = 0; n < 20; ++n) {
          const unsigned number = round * 20 + n;
          const bool done = n % 3 == 0 ? way.try_send(c, p, number) : (c.send(parcel(p, number)), true);
          if (done) sent[p].push_back(number);
        }
      }));
    }
    for (unsigned i = 0; i < consumers; ++i) {
      all.push_back(start([&, i] {
        any_way way(i + round + 50);
        for (unsigned n = 0;; ++n) {
          const auto got = n % 3 == 0 ? way.try_receive(c) : c.receive();
          if (got) ledgers[i].enter(*got);
        }
      }));
    }
    std::shuffle(all.begin(), all.end(), random);
    for (auto& f : all) {
      for (unsigned y = random() % 4; y != 0; --y) weft::this_fiber::yield();
      f.request_stop();
    }
    for (auto& f : all) {
      try {
        f.join();
      } catch (const weft::cancelled&) {
      }
    }
    while (const auto left = c.try_receive()) ledgers[consumers].enter(*left);
  }
  expect_all_once(ledgers, sent);
}

TEST(ChannelStress, StopsLoseAndDoubleNothing) {
  for (const std::size_t capacity : {0U, 2U}) {
    with_real_workers([&](weft::runtime& rt) {
      rt.run([&] { stopped_anywhere(capacity, static_cast<unsigned>(stress_count(100))); });
    });
    under_seeds([&](test_runtime& rt) { rt.run([&] { stopped_anywhere(capacity, 2); }); });
  }
}

// close() at any moment: what was sent is received, what was not sent has thrown. Producers end by themselves, too: a schedule
// by priorities may never let the closer run before the others have nothing left to do.
void closed_anywhere(std::size_t capacity, unsigned pause, unsigned longest_stream) {
  channel<parcel> c(capacity);
  std::vector<ledger> ledgers(consumers);
  std::array<std::vector<unsigned>, producers> sent;
  parties all;
  for (unsigned p = 0; p < producers; ++p) {
    all.fiber([&, p] {
      any_way way(p);
      try {
        for (unsigned n = 0; n != longest_stream; ++n) {
          if (n % 2 == 0) {
            c.send(parcel(p, n));
          } else if (!way.try_send(c, p, n)) {
            continue;
          }
          sent[p].push_back(n);
        }
      } catch (const weft::channel_closed&) {
      }
    });
  }
  for (unsigned i = 0; i < consumers; ++i) {
    all.fiber([&, i] {
      if (i % 2 == 0) {
        for (const parcel& p : c) ledgers[i].enter(p);
        return;
      }
      for (bool open = true; open;) {
        select(on_receive(c, [&](std::optional<parcel> v) {
          open = v.has_value();
          if (v) ledgers[i].enter(*v);
        }));
      }
    });
  }
  for (unsigned i = 0; i < pause; ++i) weft::this_fiber::yield();
  c.close();
  all.join();
  EXPECT_EQ(c.size(), 0U);
  expect_all_once(ledgers, sent);
}

TEST(ChannelStress, CloseLosesNothingThatWasSent) {
  for (const std::size_t capacity : {0U, 3U}) {
    with_real_workers([&](weft::runtime& rt) {
      for (unsigned i = 0; i < stress_count(100); ++i) rt.run([&] { closed_anywhere(capacity, i % 20, 2000); });
    });
    under_seeds([&](test_runtime& rt) {
      rt.run([&] { closed_anywhere(capacity, static_cast<unsigned>(rt.schedule().seed % 20), 40); });
    });
  }
}

// Parties that send and receive in one select over the same few channels, of two runtimes and on plain threads: the locks
// of several channels are taken in all orders the cases are written in, and every match has two sides.
TEST(ChannelStress, SelectsOfAllKindsMatchOneAnother) {
  channel<parcel> a, b, c(1);
  const auto each = static_cast<unsigned>(stress_count(2000));
  std::vector<ledger> ledgers(producers + 1);
  std::array<std::vector<unsigned>, producers> sent;
  std::atomic<unsigned> finished{0};
  const auto party = [&](unsigned p) {
    // Who sends over two channels, one of them with a buffer, may be overtaken by itself.
    const auto take = [&](std::optional<parcel> v) { ledgers[p].enter(v.value(), v->producer() % 4 != 2); };
    const auto tell = [&] { sent[p].push_back(static_cast<unsigned>(sent[p].size())); };
    const auto next = [&] { return parcel(p, static_cast<unsigned>(sent[p].size())); };
    while (sent[p].size() < each) {
      switch (p % 4) {
        case 0:
          select(on_send(a, next(), tell), on_receive(b, take), on_receive(c, take));
          break;
        case 1:
          select(on_receive(c, take), on_send(b, next(), tell), on_receive(a, take));
          break;
        case 2:
          select(on_send(c, next(), tell), on_send(a, next(), tell), on_receive(b, take));
          break;
        default:
          select(on_receive(a, take), on_receive(b, take), on_send(b, next(), tell), on_timeout(1ms, [] {}));
      }
    }
    ++finished;
    while (finished != producers) {  // the others may still need somebody to send to
      select(on_receive(a, take), on_receive(b, take), on_receive(c, take), on_timeout(100us, [] {}));
    }
  };
  weft::runtime one({.workers = 2});
  weft::runtime two({.workers = 1});
  std::vector<weft::fiber<>> fibers;
  std::vector<std::thread> threads;
  for (unsigned p = 0; p < producers; ++p) {
    if (p < 4) {
      fibers.push_back(one.spawn(weft::fiber_options{.spread = true}, [&, p] { party(p); }));
    } else if (p < 6) {
      fibers.push_back(two.spawn([&, p] { party(p); }));
    } else {
      threads.emplace_back([&, p] { party(p); });
    }
  }
  for (auto& f : fibers) f.join();
  for (auto& t : threads) t.join();
  while (const auto left = c.try_receive()) ledgers[producers].enter(*left);
  expect_all_once(ledgers, sent);
}

// Go's prime sieve: a growing chain of fibers, each between two rendezvous.
void sieve(int count, int last) {
  std::vector<std::unique_ptr<channel<int>>> links;
  std::vector<weft::fiber<>> filters;
  links.push_back(std::make_unique<channel<int>>());
  filters.push_back(start([to = links.back().get()] {
    for (int n = 2;; ++n) to->send(n);
  }));
  std::vector<int> primes;
  for (int i = 0; i < count; ++i) {
    auto* const from = links.back().get();
    const int prime = from->receive().value();
    primes.push_back(prime);
    links.push_back(std::make_unique<channel<int>>());
    filters.push_back(start([from, prime, to = links.back().get()] {
      for (const int n : *from) {
        if (n % prime != 0) to->send(n);
      }
    }));
  }
  EXPECT_EQ(primes.back(), last);
  for (auto& f : filters) f.request_stop();
}

TEST(ChannelStress, PrimeSieve) {
  with_real_workers([](weft::runtime& rt) { rt.run([] { sieve(25, 97); }); });
  under_seeds([](test_runtime& rt) { rt.run([] { sieve(6, 13); }); });
}

// Go's doublselect: four channels, one sender that selects among them, one receiver that selects among them; every number
// once and, as there is one of each, in order.
void one_selecting_sender_and_receiver(int n) {
  channel<int> a, b, c, d;
  auto sender = start([&] {
    const auto sent = [] {};
    for (int i = 0; i < n; ++i)
      select(on_send(a, i, sent), on_send(b, i, sent), on_send(c, i, sent), on_send(d, i, sent));
  });
  for (int i = 0; i < n; ++i) {
    const auto take = [&](std::optional<int> v) { EXPECT_EQ(v, i); };
    select(on_receive(d, take), on_receive(c, take), on_receive(b, take), on_receive(a, take));
  }
  sender.join();
}

TEST(ChannelStress, OneSelectingSenderAndOneSelectingReceiverKeepTheOrder) {
  with_real_workers([](weft::runtime& rt) {
    rt.run([] { one_selecting_sender_and_receiver(static_cast<int>(stress_count(300))); });
  });
  under_seeds([](test_runtime& rt) { rt.run([] { one_selecting_sender_and_receiver(30); }); });
}

// Go's fifo: each link of a chain gets the token from the one before and hands it on.
TEST(ChannelStress, AChainPassesTheTokenOn) {
  everywhere([] {
    constexpr int length = 50;
    std::vector<channel<int>> links(length + 1);
    std::vector<weft::fiber<>> fibers;
    for (int i = 0; i < length; ++i) {
      fibers.push_back(start([&links, i] {
        const auto at = static_cast<std::size_t>(i);
        links[at + 1].send(links[at].receive().value() + 1);
      }));
    }
    links.front().send(0);
    EXPECT_EQ(links.back().receive(), length);
    for (auto& f : fibers) f.join();
  });
}

}  // namespace
