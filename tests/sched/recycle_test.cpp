// Records in quick reuse: what belongs to a fiber that has ended (its tokens, callbacks, timers, requests to stop it) must
// not act on the next one that gets its record.
#include <atomic>   // flags
#include <chrono>   // durations
#include <cstdint>  // counters
#include <memory>   // callbacks
#include <sstream>  // ids as text
#include <string>   // ids as text
#include <vector>   // tokens

#include <gtest/gtest.h>

#include <weft/weft.hpp>

#include "support/schedules.hpp"
#include "support/stoppable.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
namespace this_fiber = weft::this_fiber;

// "fiber#<address of the record>.<generation>" without the generation.
std::string record_of(weft::fiber_id id) {
  std::ostringstream text;
  text << id;
  return text.str().substr(0, text.str().find('.'));
}

// The premise of all that follows: a pool whose last free record is the next one used is a pool of one.
TEST(Recycle, TheRecordThatWasFreedLastIsUsedNext) {
  weft::runtime rt({.workers = 1});
  rt.run([] {
    const auto first = weft::spawn([] { return this_fiber::get_id(); }).join();
    for (int i = 0; i < 1000; ++i) {
      const auto next = weft::spawn([] { return this_fiber::get_id(); }).join();
      EXPECT_NE(next, first);
      ASSERT_EQ(record_of(next), record_of(first));
    }
  });
}

TEST(Recycle, ATokenKnowsOnlyOfItsOwnFibersStop) {
  everywhere({.real = 1000, .seeded = 12}, [](std::size_t count) {
    std::vector<weft::stop_token> tokens;
    for (std::size_t i = 0; i < count; ++i) {
      const bool stopped = i % 3 == 0;
      auto f = weft::spawn([&, stopped] {
        this_fiber::check_stop();
        if (stopped) this_fiber::sleep_for(1000h);
        if (i % 2 == 0) this_fiber::yield();
        this_fiber::check_stop();
      });
      tokens.push_back(f.get_stop_token());
      if (i % 4 == 0) this_fiber::yield();
      if (stopped) f.request_stop();
      EXPECT_EQ(join_stopped(f), !stopped);
    }
    for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(tokens[i].stop_requested(), i % 3 == 0) << i;
  });
}

TEST(Recycle, ACallbackOfAFiberThatHasEndedIsNotCalledForTheNext) {
  everywhere({.real = 500, .seeded = 12}, [](std::size_t count) {
    std::atomic<int> called{0};
    const auto count_call = [&] { ++called; };
    using callback = weft::stop_callback<decltype(count_call)>;
    std::vector<std::unique_ptr<callback>> registered;
    for (std::size_t i = 0; i < count; ++i) {
      auto quiet = weft::spawn([] { this_fiber::yield(); });
      const auto token = quiet.get_stop_token();
      registered.push_back(std::make_unique<callback>(token, count_call));
      quiet.join();
      registered.push_back(std::make_unique<callback>(token, count_call));  // after its end
      auto next = weft::spawn([] { this_fiber::sleep_for(1000h); });
      next.request_stop();
      EXPECT_FALSE(join_stopped(next));
    }
    EXPECT_EQ(called, 0);
  });
}

// A timed wait that ended early leaves its entry in the heap; the next one on that record must sleep through its time.
TEST(Recycle, ATimerOfAFiberThatHasEndedDoesNotWakeTheNext) {
  under_seeds([](test_runtime& rt) {
    rt.run([&] {
      for (int i = 1; i <= 10; ++i) {
        auto timed = weft::spawn([] { this_fiber::sleep_for(1ms); });
        if (i % 2 == 0) this_fiber::yield();
        timed.request_stop();
        EXPECT_FALSE(join_stopped(timed));
        weft::event set;
        bool expected = false;
        auto waits = weft::spawn([&] {
          set.wait();
          EXPECT_TRUE(expected);
        });
        this_fiber::sleep_for(2ms);  // past the entry that was left behind
        expected = true;
        set.set();
        waits.join();
      }
    });
  });
}

// Fibers that are stopped at any moment of their short lives, by scopes, handles and deadlines, beside fibers that nobody
// has asked to stop, that take over their records and must not notice anything.
TEST(Recycle, StopsThatComeTooLateReachNobody) {
  everywhere({.real = stress_count(2000), .seeded = 4}, [](std::size_t rounds) {
    const auto meddler = [rounds](unsigned which) {
      for (std::size_t i = 0; i < rounds; ++i) {
        const auto brief = [i] {
          if (i % 2 == 0) this_fiber::yield();
        };
        switch ((i + which) % 3) {
          case 0: {
            weft::scope s;
            for (int k = 0; k < 3; ++k) s.spawn(brief);
            if (i % 4 == 0) this_fiber::yield();
            s.request_stop();
            s.join();
            break;
          }
          case 1: {
            auto f = weft::spawn(brief);
            if (i % 4 == 0) this_fiber::yield();
            f.request_stop();
            f.join();
            break;
          }
          default:
            try {
              weft::with_timeout(std::chrono::microseconds(i % 3), [&] {
                weft::scope s;
                s.spawn(brief);
                s.join();
              });
            } catch (const weft::timed_out&) {
            }
        }
      }
    };
    const auto unasked = [rounds] {
      for (std::size_t i = 0; i < rounds; ++i) {
        bool expected = false;
        weft::event set;
        auto f = weft::spawn([&] {
          this_fiber::check_stop();
          set.wait();
          EXPECT_TRUE(expected);
          EXPECT_FALSE(this_fiber::get_stop_token().stop_requested());
        });
        if (i % 2 == 0) this_fiber::yield();
        expected = true;
        set.set();
        f.join();
      }
    };
    std::vector<weft::fiber<>> all;
    for (unsigned k = 0; k < 3; ++k) {
      all.push_back(weft::spawn({.spread = true}, [&, k] { meddler(k); }));
      all.push_back(weft::spawn({.spread = true}, unasked));
    }
    for (auto& f : all) f.join();
  });
}

}  // namespace
