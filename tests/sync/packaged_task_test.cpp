// Packaged tasks: outcomes, misuse, and a second life after reset().
#include <future>     // future_error
#include <memory>     // unique_ptr
#include <stdexcept>  // runtime_error
#include <string>     // results
#include <thread>     // plain threads
#include <vector>     // tasks

#include <gtest/gtest.h>

#include <weft/fiber/cancelled.hpp>
#include <weft/sched/this_fiber.hpp>
#include <weft/sync/packaged_task.hpp>

#include "support/schedules.hpp"  // everywhere

namespace {

using namespace std::chrono_literals;
using namespace weft::testing;

template <class Call>
bool fails_with(std::future_errc expected, Call&& call) {
  try {
    call();
  } catch (const std::future_error& e) {
    return e.code() == std::make_error_code(expected);
  }
  return false;
}

int twice(int n) { return 2 * n; }

TEST(PackagedTask, GivesItsResultToItsFuture) {
  everywhere([] {
    weft::packaged_task<int(int, int)> sum([](int a, int b) { return a + b; });
    weft::packaged_task<std::string(std::unique_ptr<int>)> owner(
        [held = std::make_unique<int>(1)](std::unique_ptr<int> p) { return std::to_string(*p + *held); });
    int target = 0;
    weft::packaged_task<int&()> refers([&]() -> int& { return target; });
    weft::packaged_task<void(int)> discards([&](int n) { return target = n; });
    auto of_sum = sum.get_future();
    auto of_owner = owner.get_future();
    auto of_refers = refers.get_future();
    auto of_discards = discards.get_future();
    auto runner = weft::spawn([&] {
      sum(1, 2);
      owner(std::make_unique<int>(3));
      refers();
      discards(8);
    });
    EXPECT_EQ(of_sum.get(), 3);
    EXPECT_EQ(of_owner.get(), "4");
    EXPECT_EQ(&of_refers.get(), &target);
    of_discards.get();
    EXPECT_EQ(target, 8);
    runner.join();
  });
}

TEST(PackagedTask, KnowsItsSignature) {
  weft::packaged_task of_function(twice);
  weft::packaged_task of_lambda([](const std::string& s) noexcept { return s.size(); });
  weft::packaged_task of_mutable([n = 0]() mutable { return ++n; });
  static_assert(std::is_same_v<decltype(of_function), weft::packaged_task<int(int)>>);
  static_assert(std::is_same_v<decltype(of_lambda), weft::packaged_task<std::size_t(const std::string&)>>);
  static_assert(std::is_same_v<decltype(of_mutable), weft::packaged_task<int()>>);
  of_function(4);
  EXPECT_EQ(of_function.get_future().get(), 8);
}

TEST(PackagedTask, PassesOnWhatTheFunctionThrows) {
  everywhere([] {
    weft::packaged_task<int()> fails([]() -> int { throw std::runtime_error("no"); });
    auto f = fails.get_future();
    fails();  // throws nothing itself
    EXPECT_THROW(f.get(), std::runtime_error);

    weft::packaged_task<void()> sleeps([] { weft::this_fiber::sleep_for(1h); });
    auto slept = sleeps.get_future();
    auto runner = weft::spawn([&] { sleeps(); });
    runner.request_stop();
    runner.join();  // the task has caught it
    EXPECT_THROW(slept.get(), weft::cancelled);
  });
}

TEST(PackagedTask, MisuseIsAFutureError) {
  weft::packaged_task<int(int)> task(twice);
  auto f = task.get_future();
  EXPECT_TRUE(fails_with(std::future_errc::future_already_retrieved, [&] { static_cast<void>(task.get_future()); }));
  task(1);
  EXPECT_TRUE(fails_with(std::future_errc::promise_already_satisfied, [&] { task(2); }));
  EXPECT_EQ(f.get(), 2);
  weft::packaged_task<int(int)> none;
  EXPECT_FALSE(none.valid());
  EXPECT_TRUE(fails_with(std::future_errc::no_state, [&] { none(1); }));
  EXPECT_TRUE(fails_with(std::future_errc::no_state, [&] { none.reset(); }));
  EXPECT_TRUE(fails_with(std::future_errc::no_state, [&] { static_cast<void>(none.get_future()); }));
  none = std::move(task);
  EXPECT_TRUE(none.valid());
  EXPECT_FALSE(task.valid());
  swap(none, task);
  EXPECT_TRUE(task.valid());
}

TEST(PackagedTask, AnUncalledOneBreaksItsPromise) {
  everywhere([] {
    weft::future<int> f;
    {
      weft::packaged_task<int(int)> task(twice);
      f = task.get_future();
    }
    EXPECT_TRUE(fails_with(std::future_errc::broken_promise, [&] { f.get(); }));
  });
}

TEST(PackagedTask, CanBeCalledAgainAfterAReset) {
  everywhere([] {
    weft::packaged_task<int()> counts([n = 0]() mutable { return ++n; });
    auto first = counts.get_future();
    counts();
    counts.reset();
    auto second = counts.get_future();
    counts();
    counts.reset();
    auto third = counts.get_future();
    counts.reset();
    EXPECT_EQ(first.get(), 1);
    EXPECT_EQ(second.get(), 2);
    EXPECT_TRUE(fails_with(std::future_errc::broken_promise, [&] { third.get(); }));
    counts();
    EXPECT_EQ(counts.get_future().get(), 3);
  });
}

TEST(PackagedTask, RunsWhereItIsCalled) {
  with_real_workers([](weft::runtime& rt) {
    const std::size_t rounds = stress_count(300);
    for (std::size_t i = 0; i < rounds; ++i) {
      weft::packaged_task<std::size_t(std::size_t)> on_fiber([](std::size_t n) { return n + 1; });
      weft::packaged_task<std::thread::id()> on_thread([] { return std::this_thread::get_id(); });
      auto from_fiber = on_fiber.get_future();
      auto from_thread = on_thread.get_future();
      auto runner = rt.spawn(std::move(on_fiber), i);
      std::thread t(std::move(on_thread));
      const auto id = t.get_id();
      EXPECT_EQ(from_fiber.get(), i + 1);
      EXPECT_EQ(rt.run([&] { return from_thread.get(); }), id);
      runner.join();
      t.join();
    }
  });
}

}  // namespace
