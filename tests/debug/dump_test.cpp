// The dump of all fibers: what it says of fibers at rest, and that it stays whole while they come and go.
#include <atomic>   // flags
#include <chrono>   // hours
#include <sstream>  // ostringstream
#include <string>   // string
#include <thread>   // a plain thread that dumps
#include <vector>   // handles

#include <gtest/gtest.h>

#include <weft/weft.hpp>

#include "support/scale.hpp"

namespace {

namespace this_fiber = weft::this_fiber;

std::string dump() {
  std::ostringstream out;
  weft::debug::dump(out);
  return out.str();
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

template <class F>
void on_one_worker(F&& body) {
  weft::run({.workers = 1}, body);
}

TEST(Dump, CountsStatesAndSaysWhatIsWaitedFor) {
  on_one_worker([] {
    weft::event go;
    auto waiter = weft::spawn({.name = "waiter"}, [&go] { go.wait(); });
    auto yielder = weft::spawn({.name = "yielder"}, [&go] {
      while (!go.is_set()) this_fiber::yield();
    });
    while (!has(first_line(dump()), "1 runnable, 1 parked")) this_fiber::yield();
    auto fresh = weft::spawn({.name = "fresh"}, [] {});
    const std::string text = dump();
    EXPECT_EQ(first_line(text), "weft: 4 fibers: 1 running, 1 runnable, 1 not started, 1 parked");
    EXPECT_TRUE(has(text, "1 parked, waiting for: event, up to ")) << text;
    EXPECT_TRUE(has(text, " 'waiter', ")) << text;
    EXPECT_TRUE(has(text, " bytes of stack")) << text;
    EXPECT_TRUE(has(text, "spawned at ") && has(text, "debug_tests+0x")) << text;
    std::ostringstream id;
    id << waiter.get_id();
    EXPECT_TRUE(has(text, id.str())) << text;
    go.set();
    const std::string woken = dump();
    EXPECT_EQ(first_line(woken), "weft: 4 fibers: 1 running, 2 runnable, 1 not started");
    EXPECT_TRUE(has(woken, "1 runnable, waited for: event")) << woken;
  });
  EXPECT_EQ(dump(), "weft: 0 fibers\n");
}

TEST(Dump, DoesNotShowWhatHasEndedOrNeverWas) {
  on_one_worker([] {
    auto ended = weft::spawn([] {});
    while (!ended.join_for(std::chrono::hours(1))) {
    }
    weft::parallel_for(0, 1000, [](int) {});                         // forks, most of them taken back
    EXPECT_ANY_THROW(weft::with_timeout(std::chrono::hours(1), [] {  // its timer has a record
      EXPECT_EQ(first_line(dump()), "weft: 1 fiber: 1 running");
      throw 1;
    }));
    EXPECT_EQ(first_line(dump()), "weft: 1 fiber: 1 running");
  });
}

TEST(Dump, SaysThatJoinersByACallAndLendersOfTheirStackWait) {
  on_one_worker([] {
    for (int i = 0; i < 100; ++i) {  // a join is not a call at the end of a round
      std::string text;
      weft::spawn([&text] { text = dump(); }).join();
      EXPECT_EQ(first_line(text), "weft: 2 fibers: 1 running, 1 parked");
      EXPECT_TRUE(has(text, "1 parked, waiting for: join")) << text;
    }
    std::string text;
    weft::with_scope([&text](weft::scope& s) {
      s.spawn([&text] { text = dump(); });
      s.join();
    });
    EXPECT_EQ(first_line(text), "weft: 2 fibers: 1 running, 1 parked");
  });
}

TEST(Dump, ShowsSomeOfALargeGroup) {
  on_one_worker([] {
    weft::event go;
    std::vector<weft::fiber<>> all;
    for (int i = 0; i < 20; ++i) all.push_back(weft::spawn([&go] { go.wait(); }));
    while (!has(first_line(dump()), "20 parked")) this_fiber::yield();
    const std::string text = dump();
    EXPECT_TRUE(has(text, "20 parked, waiting for: event")) << text;
    EXPECT_TRUE(has(text, "    and 12 more\n")) << text;
    go.set();
    for (auto& f : all) f.join();
  });
}

TEST(Dump, LeavesTheStreamsFormatAlone) {
  std::ostringstream out;
  out << std::hex;
  on_one_worker([&out] { weft::debug::dump(out); });
  EXPECT_TRUE(has(out.str(), "weft: 1 fiber")) << out.str();
  out.str({});
  out << 255;
  EXPECT_EQ(out.str(), "ff");
}

// What comes and goes beside the dumps: fibers with names and without, joined and detached, on stacks of their own, borrowed
// and recycled ones, with deadlines, woken from other workers.
void churn(const std::atomic<bool>& enough) {
  weft::channel<int> numbers(1);
  while (!enough) {
    auto named = weft::spawn({.name = "a name of thirty-one characters"}, [&numbers] { numbers.send(1); });
    weft::spawn([] { this_fiber::yield(); }).detach();
    weft::with_scope([](weft::scope& s) {
      for (int i = 0; i < 4; ++i) {
        s.spawn([i] {
          if (i % 2 == 0) this_fiber::set_name("borrows");
          if (i == 3) this_fiber::yield();
        });
      }
    });
    weft::with_timeout(std::chrono::hours(1), [&numbers] { numbers.receive(); });
    weft::parallel_for(0, 16, [](int) {});
    named.join();
  }
}

TEST(Dump, IsWholeWhileFibersComeAndGo) {
  const int dumps = weft::testing::soaking() ? 100'000 : 300;
  std::atomic<bool> enough{false};
  std::atomic<bool> pillar_waits{false};
  weft::event go;
  weft::runtime rt({.workers = 4});
  auto pillar = rt.spawn(weft::fiber_options{.name = "pillar"}, [&] {
    pillar_waits = true;
    go.wait();
  });
  std::vector<weft::fiber<>> churners;
  for (int i = 0; i < 4; ++i) {
    churners.push_back(rt.spawn(weft::fiber_options{.spread = true}, [&enough] { churn(enough); }));
  }
  while (!pillar_waits || !has(dump(), "waiting for: event")) std::this_thread::yield();
  const auto look = [dumps] {
    for (int i = 0; i < dumps; ++i) {
      const std::string text = dump();
      EXPECT_EQ(text.compare(0, 6, "weft: "), 0) << text;
      EXPECT_TRUE(has(text, "'pillar', ")) << text;  // it does nothing meanwhile: it is never missing
    }
  };
  std::thread outside(look);
  rt.spawn(look).join();
  outside.join();
  enough = true;
  go.set();
  for (auto& f : churners) f.join();
  pillar.join();
}

}  // namespace
