// The types that have a counterpart in std, clause by clause: each is compared with std's own type or, where standard
// libraries promise more than the standard, with its text. What differs on purpose is in the headers, and not here.
#include <barrier>             // std's own, here and below
#include <chrono>              // durations
#include <condition_variable>  // also condition_variable_any
#include <functional>          // function
#include <future>              // futures, promises, packaged_task, async
#include <latch>
#include <mutex>  // also call_once
#include <semaphore>
#include <shared_mutex>
#include <stop_token>
#include <type_traits>  // traits
#include <utility>      // declval

#include <gtest/gtest.h>

#include <weft/weft.hpp>

namespace {

using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

// ---- construction, copies, moves

template <class Ours, class Std>
constexpr bool same_life() {
  static_assert(std::is_default_constructible_v<Ours> == std::is_default_constructible_v<Std>);
  static_assert(std::is_nothrow_default_constructible_v<Ours> >= std::is_nothrow_default_constructible_v<Std>);
  static_assert(std::is_copy_constructible_v<Ours> == std::is_copy_constructible_v<Std>);
  static_assert(std::is_copy_assignable_v<Ours> == std::is_copy_assignable_v<Std>);
  static_assert(std::is_move_constructible_v<Ours> == std::is_move_constructible_v<Std>);
  static_assert(std::is_move_assignable_v<Ours> == std::is_move_assignable_v<Std>);
  static_assert(std::is_nothrow_move_constructible_v<Ours> >= std::is_nothrow_move_constructible_v<Std>);
  static_assert(std::is_nothrow_move_assignable_v<Ours> >= std::is_nothrow_move_assignable_v<Std>);
  static_assert(std::is_nothrow_copy_constructible_v<Ours> >= std::is_nothrow_copy_constructible_v<Std>);
  static_assert(std::is_swappable_v<Ours> == std::is_swappable_v<Std>);
  static_assert(std::is_nothrow_swappable_v<Ours> >= std::is_nothrow_swappable_v<Std>);
  static_assert(std::is_nothrow_destructible_v<Ours>);
  return true;
}

static_assert(same_life<weft::mutex, std::mutex>());
static_assert(same_life<weft::timed_mutex, std::timed_mutex>());
static_assert(same_life<weft::recursive_mutex, std::recursive_mutex>());
static_assert(same_life<weft::recursive_timed_mutex, std::recursive_timed_mutex>());
static_assert(same_life<weft::shared_mutex, std::shared_mutex>());
static_assert(same_life<weft::shared_timed_mutex, std::shared_timed_mutex>());
static_assert(same_life<weft::condition_variable, std::condition_variable>());
static_assert(same_life<weft::condition_variable_any, std::condition_variable_any>());
static_assert(same_life<weft::once_flag, std::once_flag>());
static_assert(same_life<weft::binary_semaphore, std::binary_semaphore>());
static_assert(same_life<weft::counting_semaphore<>, std::counting_semaphore<>>());
static_assert(same_life<weft::latch, std::latch>());
static_assert(same_life<weft::barrier<>, std::barrier<>>());
static_assert(same_life<weft::barrier<>::arrival_token, std::barrier<>::arrival_token>());
static_assert(same_life<weft::stop_token, std::stop_token>());
static_assert(same_life<weft::stop_source, std::stop_source>());
static_assert(same_life<weft::future<int>, std::future<int>>());
static_assert(same_life<weft::future<int&>, std::future<int&>>());
static_assert(same_life<weft::future<void>, std::future<void>>());
static_assert(same_life<weft::shared_future<int>, std::shared_future<int>>());
static_assert(same_life<weft::promise<int>, std::promise<int>>());
static_assert(same_life<weft::promise<void>, std::promise<void>>());
static_assert(same_life<weft::packaged_task<int(int)>, std::packaged_task<int(int)>>());

template <class T>
constexpr bool standard_layout = std::is_standard_layout_v<T>;
static_assert(standard_layout<weft::mutex> && standard_layout<weft::timed_mutex>);  // [thread.mutex.class] and after
static_assert(standard_layout<weft::recursive_mutex> && standard_layout<weft::recursive_timed_mutex>);
static_assert(standard_layout<weft::shared_mutex> && standard_layout<weft::shared_timed_mutex>);
static_assert(standard_layout<weft::condition_variable> && standard_layout<weft::condition_variable_any>);

// constexpr constructors, where the standard has them: constant initialization before anything else runs.
constinit weft::mutex constant_mutex;
constinit weft::once_flag constant_flag;
constinit weft::counting_semaphore<> constant_semaphore{1};
constinit weft::binary_semaphore constant_binary{0};
constinit weft::latch constant_latch{1};
constinit weft::barrier<> constant_barrier{1};

// explicit constructors
template <template <class...> class Traits, class From, class Ours, class Std>
constexpr bool agree = Traits<From, Ours>::value == Traits<From, Std>::value;
static_assert(agree<std::is_convertible, std::ptrdiff_t, weft::latch, std::latch>);
static_assert(agree<std::is_convertible, std::ptrdiff_t, weft::counting_semaphore<>, std::counting_semaphore<>>);
static_assert(agree<std::is_convertible, std::ptrdiff_t, weft::barrier<>, std::barrier<>>);
static_assert(std::is_nothrow_constructible_v<std::stop_source, std::nostopstate_t>);
static_assert(std::is_nothrow_constructible_v<weft::stop_source, weft::nostopstate_t>);
static_assert(!std::is_convertible_v<int (*)(int), weft::packaged_task<int(int)>>);

// ---- nested types and constants

static_assert(std::is_same_v<weft::stop_callback<void (*)()>::callback_type, void (*)()>);
static_assert(weft::counting_semaphore<5>::max() >= 5 && weft::counting_semaphore<>::max() >= 1);
static_assert(weft::binary_semaphore::max() >= 1);
static_assert(weft::latch::max() >= 1 && weft::barrier<>::max() >= 1);
static_assert(std::is_same_v<weft::binary_semaphore, weft::counting_semaphore<1>>);
static_assert(static_cast<int>(weft::cv_status::no_timeout) == static_cast<int>(std::cv_status::no_timeout));
static_assert(static_cast<int>(weft::cv_status::timeout) == static_cast<int>(std::cv_status::timeout));

// ---- member functions: what they take and give, and what the standard says they do not throw

template <class M>
concept lockable = requires(M m) {
  { m.lock() } -> std::same_as<void>;
  { m.try_lock() } -> std::same_as<bool>;
  { m.unlock() } -> std::same_as<void>;
};
template <class M>
concept timed_lockable = lockable<M> && requires(M m) {
  { m.try_lock_for(1ms) } -> std::same_as<bool>;
  { m.try_lock_for(std::chrono::duration<double>(1)) } -> std::same_as<bool>;
  { m.try_lock_until(clock_type::now()) } -> std::same_as<bool>;
  { m.try_lock_until(std::chrono::system_clock::now()) } -> std::same_as<bool>;
};
template <class M>
concept shared_lockable = lockable<M> && requires(M m) {
  { m.lock_shared() } -> std::same_as<void>;
  { m.try_lock_shared() } -> std::same_as<bool>;
  { m.unlock_shared() } -> std::same_as<void>;
};
template <class M>
concept shared_timed_lockable = shared_lockable<M> && timed_lockable<M> && requires(M m) {
  { m.try_lock_shared_for(1ms) } -> std::same_as<bool>;
  { m.try_lock_shared_until(clock_type::now()) } -> std::same_as<bool>;
};

template <class M>
constexpr unsigned kinds_of_lock =
    lockable<M> + 2U * timed_lockable<M> + 4U * shared_lockable<M> + 8U * shared_timed_lockable<M>;
static_assert(kinds_of_lock<weft::mutex> == kinds_of_lock<std::mutex>);
static_assert(kinds_of_lock<weft::timed_mutex> == kinds_of_lock<std::timed_mutex>);
static_assert(kinds_of_lock<weft::recursive_mutex> == kinds_of_lock<std::recursive_mutex>);
static_assert(kinds_of_lock<weft::recursive_timed_mutex> == kinds_of_lock<std::recursive_timed_mutex>);
static_assert(kinds_of_lock<weft::shared_mutex> == kinds_of_lock<std::shared_mutex>);
static_assert(kinds_of_lock<weft::shared_timed_mutex> == kinds_of_lock<std::shared_timed_mutex>);

template <class C, class Lock, class Status>
concept condition = requires(C c, Lock l, bool (*p)()) {
  { c.notify_one() }
  noexcept->std::same_as<void>;
  { c.notify_all() }
  noexcept->std::same_as<void>;
  { c.wait(l) } -> std::same_as<void>;
  { c.wait(l, p) } -> std::same_as<void>;
  { c.wait_for(l, 1ms) } -> std::same_as<Status>;
  { c.wait_for(l, 1ms, p) } -> std::same_as<bool>;
  { c.wait_until(l, clock_type::now()) } -> std::same_as<Status>;
  { c.wait_until(l, std::chrono::system_clock::now(), p) } -> std::same_as<bool>;
};
template <class C, class Lock, class Token>
concept interruptible = requires(C c, Lock l, Token t, bool (*p)()) {
  { c.wait(l, t, p) } -> std::same_as<bool>;
  { c.wait(l, Token(), p) } -> std::same_as<bool>;
  { c.wait_for(l, t, 1ms, p) } -> std::same_as<bool>;
  { c.wait_for(l, t, std::chrono::duration<double>(1), p) } -> std::same_as<bool>;
  { c.wait_until(l, t, clock_type::now(), p) } -> std::same_as<bool>;
  { c.wait_until(l, t, std::chrono::system_clock::now(), p) } -> std::same_as<bool>;
};
static_assert(condition<std::condition_variable, std::unique_lock<std::mutex>, std::cv_status>);
static_assert(condition<weft::condition_variable, std::unique_lock<weft::mutex>, weft::cv_status>);
static_assert(condition<std::condition_variable_any, std::shared_lock<std::shared_mutex>, std::cv_status>);
static_assert(condition<weft::condition_variable_any, std::shared_lock<weft::shared_mutex>, weft::cv_status>);
static_assert(condition<weft::condition_variable_any, weft::recursive_mutex, weft::cv_status>);
static_assert(interruptible<std::condition_variable_any, std::unique_lock<std::mutex>, std::stop_token>);
static_assert(interruptible<weft::condition_variable_any, std::unique_lock<weft::mutex>, weft::stop_token>);
static_assert(interruptible<weft::condition_variable_any, std::shared_lock<weft::shared_mutex>, weft::stop_token>);
static_assert(interruptible<weft::condition_variable_any, weft::mutex, weft::stop_token>);

template <class S>
concept semaphore = requires(S s) {
  { s.acquire() } -> std::same_as<void>;
  { s.release() } -> std::same_as<void>;
  { s.release(1) } -> std::same_as<void>;
  { s.try_acquire() }
  noexcept->std::same_as<bool>;
  { s.try_acquire_for(1ms) } -> std::same_as<bool>;
  { s.try_acquire_until(clock_type::now()) } -> std::same_as<bool>;
  { S::max() }
  noexcept->std::same_as<std::ptrdiff_t>;
};
static_assert(semaphore<std::counting_semaphore<>> && semaphore<weft::counting_semaphore<>>);
static_assert(semaphore<std::binary_semaphore> && semaphore<weft::binary_semaphore>);

template <class L>
concept latch = requires(L l, const L c) {
  { l.count_down() } -> std::same_as<void>;
  { l.count_down(1) } -> std::same_as<void>;
  { c.try_wait() }
  noexcept->std::same_as<bool>;
  { c.wait() } -> std::same_as<void>;
  { l.arrive_and_wait() } -> std::same_as<void>;
  { l.arrive_and_wait(1) } -> std::same_as<void>;
  { L::max() }
  noexcept->std::same_as<std::ptrdiff_t>;
};
static_assert(latch<std::latch> && latch<weft::latch>);

template <class B>
concept barrier = requires(B b, const B c, typename B::arrival_token t) {
  { b.arrive() } -> std::same_as<typename B::arrival_token>;
  { b.arrive(1) } -> std::same_as<typename B::arrival_token>;
  { c.wait(std::move(t)) } -> std::same_as<void>;
  { b.arrive_and_wait() } -> std::same_as<void>;
  { b.arrive_and_drop() } -> std::same_as<void>;
  { B::max() }
  noexcept->std::same_as<std::ptrdiff_t>;
};
static_assert(barrier<std::barrier<>> && barrier<weft::barrier<>>);
static_assert(barrier<weft::barrier<void (*)() noexcept>>);
template <class B>
concept waits_for_a_token_it_keeps = requires(const B c, typename B::arrival_token t) {
  c.wait(t);
};
static_assert(!waits_for_a_token_it_keeps<std::barrier<>> && !waits_for_a_token_it_keeps<weft::barrier<>>);

template <class T>
concept token = std::equality_comparable<T> && requires(const T t, T u) {
  { t.stop_requested() }
  noexcept->std::same_as<bool>;
  { t.stop_possible() }
  noexcept->std::same_as<bool>;
  { u.swap(u) }
  noexcept;
};
template <class S, class T>
concept source = std::equality_comparable<S> && requires(const S c, S s) {
  { s.request_stop() }
  noexcept->std::same_as<bool>;
  { c.get_token() }
  noexcept->std::same_as<T>;
  { c.stop_requested() }
  noexcept->std::same_as<bool>;
  { c.stop_possible() }
  noexcept->std::same_as<bool>;
  { s.swap(s) }
  noexcept;
};
static_assert(token<std::stop_token> && token<weft::stop_token>);
static_assert(source<std::stop_source, std::stop_token> && source<weft::stop_source, weft::stop_token>);
template <class Callback, class Token>
constexpr bool callback_agrees = std::is_constructible_v<Callback, Token, void (*)()>&&
                                     std::is_nothrow_constructible_v<Callback, const Token&, void (*)()> &&
                                 !std::is_move_constructible_v<Callback> && !std::is_copy_constructible_v<Callback> &&
                                 !std::is_constructible_v<Callback, Token, int>;
static_assert(callback_agrees<std::stop_callback<void (*)()>, std::stop_token>);
static_assert(callback_agrees<weft::stop_callback<void (*)()>, weft::stop_token>);

template <class F, class Shared, class Result>
concept future = requires(F f, const F c) {
  { f.get() } -> std::same_as<Result>;
  { c.valid() }
  noexcept->std::same_as<bool>;
  { c.wait() } -> std::same_as<void>;
  { c.wait_for(1ms) } -> std::same_as<std::future_status>;
  { c.wait_until(clock_type::now()) } -> std::same_as<std::future_status>;
  { f.share() }
  noexcept->std::same_as<Shared>;
};
static_assert(future<std::future<int>, std::shared_future<int>, int>);
static_assert(future<weft::future<int>, weft::shared_future<int>, int>);
static_assert(future<weft::future<int&>, weft::shared_future<int&>, int&>);
static_assert(future<weft::future<void>, weft::shared_future<void>, void>);
static_assert(std::is_same_v<decltype(std::declval<const std::shared_future<int>&>().get()),
                             decltype(std::declval<const weft::shared_future<int>&>().get())>);
static_assert(std::is_same_v<decltype(std::declval<const std::shared_future<int&>&>().get()),
                             decltype(std::declval<const weft::shared_future<int&>&>().get())>);
static_assert(std::is_nothrow_constructible_v<weft::shared_future<int>, weft::future<int>>);

template <class P, class Future>
concept promise = requires(P p, const int i, std::exception_ptr e) {
  { p.get_future() } -> std::same_as<Future>;
  { p.set_value(1) } -> std::same_as<void>;
  { p.set_value(i) } -> std::same_as<void>;
  { p.set_exception(e) } -> std::same_as<void>;
  { p.swap(p) }
  noexcept;
};
static_assert(promise<std::promise<int>, std::future<int>> && promise<weft::promise<int>, weft::future<int>>);

template <class T, class Future>
concept task = requires(T t, const T c) {
  { t(1) } -> std::same_as<void>;
  { c.valid() }
  noexcept->std::same_as<bool>;
  { t.get_future() } -> std::same_as<Future>;
  { t.reset() } -> std::same_as<void>;
  { t.swap(t) }
  noexcept;
};
static_assert(task<std::packaged_task<int(int)>, std::future<int>>);
static_assert(task<weft::packaged_task<int(int)>, weft::future<int>>);

static_assert(std::is_same_v<decltype(weft::async([] { return 1; })), weft::future<int>>);
static_assert(std::is_same_v<decltype(weft::async(
                                 std::launch::deferred, [](int i) { return i; }, 1)),
                             weft::future<int>>);
static_assert(std::is_void_v<decltype(weft::call_once(
                  std::declval<weft::once_flag&>(), [](int) {}, 1))>);

// ---- what std's lock types and algorithms do with them

template <class Mutex>
class WithStdsLocks : public ::testing::Test {};
using mutexes = ::testing::Types<weft::mutex, weft::timed_mutex, weft::recursive_mutex, weft::recursive_timed_mutex,
                                 weft::shared_mutex, weft::shared_timed_mutex>;
TYPED_TEST_SUITE(WithStdsLocks, mutexes);

TYPED_TEST(WithStdsLocks, Work) {
  weft::run({.workers = 1}, [] {
    TypeParam a, b;
    { const std::scoped_lock both(a, b); }
    std::unique_lock first(a, std::defer_lock), second(b, std::defer_lock);
    EXPECT_EQ(std::try_lock(first, second), -1);
    first.unlock();
    second.unlock();
    std::lock(first, second);
    EXPECT_TRUE(first.owns_lock() && second.owns_lock());
    first.swap(second);
    EXPECT_EQ(first.mutex(), &b);
    auto contender = weft::spawn([&] { return std::unique_lock(a, std::try_to_lock).owns_lock(); });
    EXPECT_FALSE(contender.join());
  });
}

TEST(Conformance, ConstantInitializedOnesWork) {
  weft::run({.workers = 1}, [] {
    const std::lock_guard lock(constant_mutex);
    bool called = false;
    weft::call_once(constant_flag, [&] { called = true; });
    EXPECT_TRUE(called);
    constant_semaphore.acquire();
    EXPECT_FALSE(constant_binary.try_acquire());
    constant_latch.arrive_and_wait();
    constant_barrier.arrive_and_wait();
  });
}

// std::future_errc, and the order in which std reports them.
template <class Promise>
std::error_code second_set() {
  Promise p;
  p.set_value(1);
  try {
    p.set_value(2);
  } catch (const std::future_error& e) {
    return e.code();
  }
  return {};
}
template <class Promise>
std::error_code second_future() {
  Promise p;
  auto f = p.get_future();
  try {
    static_cast<void>(p.get_future());
  } catch (const std::future_error& e) {
    return e.code();
  }
  return {};
}
template <class Promise>
std::error_code broken() {
  auto f = Promise().get_future();
  try {
    f.get();
  } catch (const std::future_error& e) {
    return e.code();
  }
  return {};
}
template <class Task>
std::error_code empty_task() {
  Task t;
  try {
    t(1);
  } catch (const std::future_error& e) {
    return e.code();
  }
  return {};
}

TEST(Conformance, FuturesReportWhatStdsReport) {
  EXPECT_EQ(second_set<weft::promise<int>>(), second_set<std::promise<int>>());
  EXPECT_EQ(second_future<weft::promise<int>>(), second_future<std::promise<int>>());
  EXPECT_EQ(broken<weft::promise<int>>(), broken<std::promise<int>>());
  EXPECT_EQ(empty_task<weft::packaged_task<int(int)>>(), empty_task<std::packaged_task<int(int)>>());
}

}  // namespace
