// What a program is told that cannot go on with a cancellation: which fiber, and at which point it was thrown.
#include <chrono>      // durations
#include <functional>  // function
#include <istream>     // a library that swallows exceptions
#include <mutex>       // unique_lock
#include <optional>    // received values
#include <streambuf>   // streams that wait
#include <string>      // reports
#include <utility>     // forward
#include <vector>      // tables

#include <gtest/gtest.h>

#include <weft/weft.hpp>

#include "support/child.hpp"
#include "support/schedules.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;
namespace this_fiber = weft::this_fiber;

struct point_case {
  std::string point;  // as the report names it
  std::function<void()> wait;
};

// Each waits for ever, on objects of its own that live as long as the program.
template <class T, class... Args>
T& immortal(Args&&... args) {
  return *new T(std::forward<Args>(args)...);
}

std::vector<point_case> locks_and_conditions() {
  return {
      {"mutex",
       [] {
         auto& m = immortal<weft::timed_mutex>();
         auto holder = weft::spawn([&] { m.lock(); });
         holder.join();
         static_cast<void>(m.try_lock_for(24h));
       }},
      {"shared mutex, to write",
       [] {
         auto& m = immortal<weft::shared_timed_mutex>();
         auto holder = weft::spawn([&] { m.lock(); });
         holder.join();
         static_cast<void>(m.try_lock_for(24h));
       }},
      {"shared mutex, to read",
       [] {
         auto& m = immortal<weft::shared_timed_mutex>();
         auto holder = weft::spawn([&] { m.lock(); });
         holder.join();
         static_cast<void>(m.try_lock_shared_for(24h));
       }},
      {"condition variable",
       [] {
         auto& m = immortal<weft::mutex>();
         std::unique_lock lock(m);
         immortal<weft::condition_variable>().wait(lock, [] { return false; });
       }},
      {"condition variable",
       [] {
         auto& m = immortal<weft::mutex>();
         std::unique_lock lock(m);
         immortal<weft::condition_variable_any>().wait(lock, [] { return false; });
       }},
  };
}

std::vector<point_case> all_points() {
  std::vector<point_case> all = {
      {"event", [] { immortal<weft::event>().wait(); }},
      {"event", [] { static_cast<void>(immortal<weft::event>().wait_for(24h)); }},
      {"sleep", [] { this_fiber::sleep_for(24h); }},
      {"check_stop",
       [] {
         for (;;) {
           this_fiber::check_stop();
           this_fiber::yield();
         }
       }},
      {"join", [] { weft::spawn([] { immortal<weft::event>().wait(); }).join(); }},
      {"channel send", [] { immortal<weft::channel<int>>().send(1); }},
      {"channel receive", [] { immortal<weft::channel<int>>().receive(); }},
      {"channel receive", [] { immortal<weft::channel<int>>().receive_for(24h); }},
      {"select", [] { weft::select(weft::on_receive(immortal<weft::channel<int>>(), [](std::optional<int>) {})); }},
      {"semaphore", [] { immortal<weft::binary_semaphore>(0).acquire(); }},
      {"latch", [] { immortal<weft::latch>(1).wait(); }},
      {"barrier", [] { immortal<weft::barrier<>>(2).arrive_and_wait(); }},
      {"wait group",
       [] {
         auto& group = immortal<weft::wait_group>();
         group.add(1);
         group.wait();
       }},
      {"future", [] { immortal<weft::promise<int>>().get_future().get(); }},
      {"the children of a scope",
       [] {
         weft::scope s;
         s.spawn([] { immortal<weft::event>().wait(); });
         s.join();
       }},
  };
  for (point_case& c : locks_and_conditions()) all.push_back(std::move(c));
  return all;
}

// In a child process: the fiber "doomed" runs `body` under a noexcept frame, and is stopped before it or while it waits.
child_result die_of(const std::function<void()>& body, bool early) {
  return run_in_child([&] {
    weft::debug::install_crash_reports();
    test_runtime rt(1);  // no threads: a forked child may not start any under the thread sanitizer
    auto doomed = rt.spawn("doomed", [&] { [&]() noexcept { body(); }(); });
    if (!early) rt.run_until_idle();
    doomed.request_stop();
    doomed.join();
  });
}

void expect_report(const child_result& child, const std::string& point, const std::string& when) {
  EXPECT_TRUE(child.killed_by(SIGABRT)) << when;
  EXPECT_NE(child.errors.find("terminate in fiber 'doomed'"), std::string::npos) << when << child.errors;
  EXPECT_NE(child.errors.find("cancellation point: " + point + "\n"), std::string::npos) << when << child.errors;
}

TEST(CancellationUnderNoexceptReport, NamesThePointOfAWaitThatWasEnded) {
  for (const point_case& c : all_points()) {
    if (c.point == "check_stop") continue;  // it never waits
    expect_report(die_of(c.wait, false), c.point, "stopped while it waited: " + c.point + "\n");
  }
}

TEST(CancellationUnderNoexceptReport, NamesThePointOfAWaitThatHadNotBegun) {
  for (const point_case& c : all_points()) {
    const bool joins_first = c.point.find("mutex") != std::string::npos;
    if (joins_first) continue;  // its first wait is another; see below
    expect_report(die_of(c.wait, true), c.point, "stopped before: " + c.point + "\n");
  }
}

TEST(CancellationUnderNoexceptReport, NamesTheTimedLockThatFoundAStopPending) {
  for (const bool shared : {false, true}) {
    auto& m = immortal<weft::shared_timed_mutex>();
    m.lock();
    const auto child =
        die_of([&] { static_cast<void>(shared ? m.try_lock_shared_for(24h) : m.try_lock_for(24h)); }, true);
    expect_report(child, shared ? "shared mutex, to read" : "shared mutex, to write", "a pending stop\n");
  }
  auto& m = immortal<weft::timed_mutex>();
  m.lock();
  expect_report(die_of([&] { static_cast<void>(m.try_lock_for(24h)); }, true), "mutex", "a pending stop\n");
}

TEST(CancellationUnderNoexceptReport, ForgetsThePointOfAnEarlierOne) {
  const auto child = die_of(
      [] {
        try {
          this_fiber::sleep_for(24h);
        } catch (const weft::cancelled&) {  // swallowed: it comes again, elsewhere
        }
        immortal<weft::channel<int>>().receive();
      },
      false);
  expect_report(child, "channel receive", "after a sleep\n");
}

// Not the fiber itself was stopped, but one whose failure it takes over.
TEST(CancellationUnderNoexceptReport, NamesTheJoinThatThrowsAnothersCancellationOn) {
  const auto child = run_in_child([] {
    weft::debug::install_crash_reports();
    test_runtime rt(1);
    auto doomed = rt.spawn("doomed", [] {
      auto stopped = weft::spawn([] { immortal<weft::event>().wait(); });
      stopped.request_stop();
      [&]() noexcept { stopped.join(); }();
    });
    doomed.join();
  });
  expect_report(child, "join of a fiber that was stopped", "");
}

// ---- a fiber that does not let itself be stopped

TEST(SwallowedCancellation, IsReportedOnceWithTheFibersNameWhenItGoesOnForever) {
  const auto child = run_in_child([] {
    test_runtime rt(1);
    auto stubborn = rt.spawn("stubborn", [] {
      int thrown = 0;
      while (thrown < 2500) {
        try {
          immortal<weft::event>().wait();
        } catch (...) {
          ++thrown;
        }
      }
    });
    stubborn.request_stop();
    stubborn.join();
  });
  ASSERT_TRUE(child.passed()) << child.errors;
  const auto at = child.errors.find("fiber 'stubborn'");
  ASSERT_NE(at, std::string::npos) << child.errors;
  EXPECT_NE(child.errors.find("swallowed weft::cancelled 1000 times, last at: event"), std::string::npos)
      << child.errors;
  EXPECT_EQ(child.errors.find("stubborn", at + 10), std::string::npos) << child.errors;
}

TEST(SwallowedCancellation, AFewAreNotReported) {
  const auto child = run_in_child([] {
    test_runtime rt(1);
    auto patient = rt.spawn("patient", [] {
      for (int thrown = 0; thrown < 900;) {
        try {
          this_fiber::check_stop();
        } catch (const weft::cancelled&) {
          ++thrown;
        }
      }
    });
    patient.request_stop();
    patient.join();
  });
  ASSERT_TRUE(child.passed()) << child.errors;
  EXPECT_EQ(child.errors.find("swallowed"), std::string::npos) << child.errors;
}

// Deadlines that pass one after the other throw in their frames, and nobody swallows anything.
TEST(SwallowedCancellation, DeadlinesThatPassDoNotCount) {
  const auto child = run_in_child([] {
    test_runtime rt(1);
    rt.run([] {
      for (int i = 0; i < 2500; ++i) {
        EXPECT_THROW(weft::with_timeout(1ms, [] { weft::event().wait(); }), weft::timed_out);
      }
      auto shielded = weft::spawn([] {
        const weft::cancel_shield shield;
        for (int i = 0; i < 1500; ++i) {
          EXPECT_THROW(weft::with_timeout(1ms, [] { weft::event().wait(); }), weft::timed_out);
        }
      });
      this_fiber::yield();
      shielded.request_stop();
      shielded.join();
    });
  });
  ASSERT_TRUE(child.passed()) << child.errors;
  EXPECT_EQ(child.errors.find("swallowed"), std::string::npos) << child.errors;
}

// ---- streams of the standard library catch what their buffers throw

class waiting_buffer : public std::streambuf {
 public:
  explicit waiting_buffer(weft::channel<char>& from) : from_(from) {}

 protected:
  int_type underflow() override {
    const std::optional<char> next = from_.receive();
    if (!next) return traits_type::eof();
    got_ = *next;
    setg(&got_, &got_, &got_ + 1);
    return traits_type::to_int_type(got_);
  }

 private:
  weft::channel<char>& from_;
  char got_ = 0;
};

TEST(SwallowedCancellation, AStreamKeepsItAsBadAndTheNextPointThrowsItAgain) {
  everywhere(
      [] {
        weft::channel<char> characters;
        weft::event reading;
        bool bad = false, went_on = false;
        auto reader = weft::spawn([&] {
          waiting_buffer buffer(characters);
          std::istream in(&buffer);
          int number = 0;
          reading.set();
          in >> number;  // catches cancelled, and does not say so
          bad = in.bad();
          this_fiber::check_stop();
          went_on = true;
        });
        reading.wait();
        characters.send('4');
        reader.request_stop();
        EXPECT_THROW(reader.join(), weft::cancelled);
        EXPECT_TRUE(bad);
        EXPECT_FALSE(went_on);
      },
      100);
}

TEST(SwallowedCancellation, AStreamThatThrowsOnBadPassesItThrough) {
  everywhere(
      [] {
        weft::channel<char> characters;
        bool caught = false;
        auto reader = weft::spawn([&] {
          waiting_buffer buffer(characters);
          std::istream in(&buffer);
          in.exceptions(std::ios::badbit);
          int number = 0;
          try {
            in >> number;
          } catch (const weft::cancelled&) {
            caught = true;
            throw;
          }
        });
        this_fiber::yield();
        reader.request_stop();
        EXPECT_THROW(reader.join(), weft::cancelled);
        EXPECT_TRUE(caught);
      },
      100);
}

}  // namespace
