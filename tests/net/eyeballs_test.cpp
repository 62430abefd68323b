// Connecting to whichever address answers first. A connect(2) that is made to say EINPROGRESS without being made is an
// address that never answers.
#include <string>  // string

#include <sys/socket.h>  // connect

#include <gtest/gtest.h>

#include "io/faults.hpp"
#include "net/eyeballs.hpp"
#include "net/loopback.hpp"
#include "net/numbers.hpp"
#include "net/waits.hpp"

namespace {

using namespace weft_test;
using weft::detail::connect_to_any;
using weft::detail::descriptor;
using weft::detail::failed_attempt;
using weft::detail::interleave_families;
using weft::detail::time_limit;
using weft::detail::os::call;
using weft::net::endpoint;
using weft::net::tcp_listener;
using weft::net::tcp_stream;

constexpr std::chrono::nanoseconds never = std::chrono::hours(10000);

std::vector<endpoint> parse_all(std::initializer_list<const char*> texts) {
  std::vector<endpoint> all;
  for (const char* text : texts) {
    all.push_back(endpoint::parse(text));
  }
  return all;
}

TEST(Interleave, FamiliesTakeTurnsBeginningWithTheFirst) {
  EXPECT_EQ(interleave_families(parse_all({"[::1]:1", "[::2]:1", "[::3]:1", "1.0.0.1:1", "1.0.0.2:1"})),
            parse_all({"[::1]:1", "1.0.0.1:1", "[::2]:1", "1.0.0.2:1", "[::3]:1"}));
  EXPECT_EQ(interleave_families(parse_all({"1.0.0.1:1", "[::1]:1", "[::2]:1", "[::3]:1"})),
            parse_all({"1.0.0.1:1", "[::1]:1", "[::2]:1", "[::3]:1"}));
  EXPECT_EQ(interleave_families(parse_all({"1.0.0.2:1", "1.0.0.1:1"})), parse_all({"1.0.0.2:1", "1.0.0.1:1"}));
  EXPECT_TRUE(interleave_families({}).empty());
}

TEST(Failures, ThatAFamilyIsNotThereIsTheLeastTelling) {
  const auto at = parse_all({"[::1]:1", "1.0.0.1:1"});
  const std::error_code unreachable(ENETUNREACH, std::system_category()), refused(ECONNREFUSED, std::system_category());
  const failed_attempt both[] = {{at[0], unreachable}, {at[1], refused}};
  EXPECT_EQ(weft::detail::most_telling(both), refused);
  EXPECT_EQ(weft::detail::most_telling(std::span(both).first(1)), unreachable);
  EXPECT_EQ(weft::detail::list_failures(both),
            " ([::1]:1: " + unreachable.message() + "; 1.0.0.1:1: " + refused.message() + ")");
  EXPECT_EQ(weft::detail::list_failures({}), "");
}

// A port of the loopback interface where nobody listens.
endpoint refusing() { return listen_anywhere().local_endpoint(); }

struct outcome {
  descriptor socket;
  std::vector<failed_attempt> failures;
  std::error_code error;
};
outcome connect_any(std::vector<endpoint> to, std::chrono::nanoseconds delay,
                    weft::detail::time_point deadline = weft::detail::no_deadline) {
  outcome o;
  time_limit limit(deadline);
  o.socket = connect_to_any(to, delay, limit, "test connect", o.failures, o.error);
  return o;
}

class Eyeballs : public testing::TestWithParam<unsigned> {
 protected:
  template <class F>
  void in_fiber(F&& f) {
    const int before = open_numbers("socket:");
    weft::run(workers(GetParam()), std::forward<F>(f));
    EXPECT_EQ(open_numbers("socket:"), before);
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, Eyeballs, testing::Values(1U, 2U));

TEST_P(Eyeballs, TheFirstThatAnswersAtOnceIsAlone) {
  in_fiber([] {
    auto good = listen_anywhere();
    const planned_faults only_counted(call::socket, {}, 0, 0);
    const outcome o = connect_any({good.local_endpoint(), refusing(), refusing()}, never);
    EXPECT_EQ(planned_faults::calls(), 3) << "the two of refusing() and one attempt";
    EXPECT_FALSE(o.error);
    EXPECT_TRUE(o.failures.empty());
    EXPECT_TRUE(good.accept().is_open());
  });
}

TEST_P(Eyeballs, AFailureStartsTheNextAtOnce) {
  in_fiber([] {
    auto good = listen_anywhere();
    const endpoint a = refusing(), b = refusing();
    const outcome o = connect_any({a, b, good.local_endpoint()}, never);
    EXPECT_FALSE(o.error);
    ASSERT_EQ(o.failures.size(), 2U);
    EXPECT_EQ(o.failures[0].to, a);
    EXPECT_EQ(o.failures[1].to, b);
    EXPECT_EQ(o.failures[1].why, std::errc::connection_refused);
    EXPECT_GE(o.socket.native(), 0);
  });
}

TEST_P(Eyeballs, AfterTheDelayTheNextStartsBesideASilentOneWhichIsClosed) {
  in_fiber([] {
    auto good = listen_anywhere();
    const endpoint gone = refusing();
    const int before = open_numbers("socket:");
    const planned_faults silent(call::connect, {.error = EINPROGRESS}, 0, 2);
    const outcome o = connect_any({gone, gone, good.local_endpoint()}, 1ms);
    EXPECT_FALSE(o.error);
    EXPECT_EQ(planned_faults::calls(), 3);
    EXPECT_EQ(open_numbers("socket:"), before + 1) << "the winner's";
    auto server = good.accept();
    EXPECT_TRUE(server.is_open());
  });
}

TEST_P(Eyeballs, AFailureBesideASilentOneStartsTheNextAtOnce) {
  in_fiber([] {
    auto good = listen_anywhere();
    const endpoint gone = refusing();
    const planned_faults silent(call::connect, {.error = EINPROGRESS}, 0, 1);
    const outcome o = connect_any({gone, gone, good.local_endpoint()}, 1ms);
    EXPECT_FALSE(o.error);
    ASSERT_EQ(o.failures.size(), 1U);
    EXPECT_EQ(o.failures[0].why, std::errc::connection_refused);
  });
}

weft::detail::atomic<int> late_socket{-1};

// Every connect(2) is under way and goes no further; the number of the first is kept.
weft::detail::os::fault put_off(call which, int fd) noexcept {
  if (which != call::connect) {
    return {};
  }
  int none = -1;
  late_socket.compare_exchange_strong(none, fd, std::memory_order_relaxed);  // relaxed: a number, no other data
  return {.error = EINPROGRESS};
}

TEST_P(Eyeballs, AnAnswerThatComesWhileOthersAreWaitedForIsTaken) {
  in_fiber([] {
    auto good = listen_anywhere();
    const endpoint at = good.local_endpoint();
    late_socket.store(-1, std::memory_order_relaxed);  // relaxed: as the exchange
    weft::detail::os::set_fault_hook(&put_off);
    auto race = weft::spawn([&] { return connect_any({at, at, at}, 1ms); });
    while (late_socket.load(std::memory_order_relaxed) < 0) {  // relaxed: as the exchange
      weft::this_fiber::yield();
    }
    weft::this_fiber::sleep_for(3ms);  // others have begun meanwhile; were they late, it would be the same
    const int first = late_socket.load(std::memory_order_relaxed);  // relaxed: as the exchange
    EXPECT_TRUE(::connect(first, static_cast<const sockaddr*>(at.data()), at.size()) == 0 || errno == EINPROGRESS);
    const outcome o = race.join();
    weft::detail::os::set_fault_hook(nullptr);
    EXPECT_FALSE(o.error);
    EXPECT_EQ(o.socket.native(), first);
    EXPECT_TRUE(good.accept().is_open());
  });
}

TEST_P(Eyeballs, WhenAllFailTheFirstTellingErrorIsTold) {
  in_fiber([] {
    const endpoint gone = refusing();
    for (const int family_error : {ENETUNREACH, EAFNOSUPPORT, EADDRNOTAVAIL}) {
      const planned_faults no_family(call::connect, {.error = family_error}, 0, 1);
      const outcome o = connect_any({gone, gone}, never);
      EXPECT_LT(o.socket.native(), 0);
      EXPECT_EQ(o.error, std::errc::connection_refused);
      EXPECT_EQ(o.failures.size(), 2U);
    }
    const planned_faults no_family(call::connect, {.error = ENETUNREACH}, 0, 2);
    EXPECT_EQ(connect_any({gone, gone}, never).error, std::errc::network_unreachable);
  });
}

TEST_P(Eyeballs, FailuresOfTheSystemAreThoseOfOneAttempt) {
  in_fiber([] {
    auto good = listen_anywhere();
    const endpoint at = good.local_endpoint();
    for (const call which : {call::socket, call::connect}) {
      const planned_faults faults(which, {.error = EMFILE}, 0, 1);
      const outcome o = connect_any({at, at}, never);
      EXPECT_FALSE(o.error);
      ASSERT_EQ(o.failures.size(), 1U);
      EXPECT_EQ(o.failures[0].why, std::errc::too_many_files_open);
    }
    const planned_faults all(call::socket, {.error = EMFILE}, 0, 2);
    EXPECT_EQ(connect_any({at, at}, never).error, std::errc::too_many_files_open);
  });
}

TEST_P(Eyeballs, StopsAndDeadlinesEndAllAttempts) {
  in_fiber([] {
    const endpoint gone = refusing();
    const planned_faults silent(call::connect, {.error = EINPROGRESS}, 0, 1 << 30);
    expect_cancelled([&] { connect_any({gone, gone, gone}, 1ms); });
    expect_cancelled([&] { connect_any({gone, gone}, never); });
    const auto soon = weft::detail::now() + 5ms;
    EXPECT_EQ(connect_any({gone, gone, gone}, 1ms, soon).error, std::errc::timed_out);
    EXPECT_GE(weft::detail::now(), soon);
    EXPECT_EQ(connect_any({gone}, never, soon).error, std::errc::timed_out);
  });
}

TEST_P(Eyeballs, NamesAreConnectedSoAndFailuresListTheAddresses) {
  in_fiber([] {
    const endpoint gone = refusing();
    try {
      tcp_stream::connect("localhost", gone.port());
      FAIL();
    } catch (const std::system_error& e) {
      EXPECT_EQ(e.code(), std::errc::connection_refused);
      EXPECT_NE(std::string(e.what()).find("localhost:" + std::to_string(gone.port())), std::string::npos) << e.what();
      EXPECT_NE(std::string(e.what()).find(gone.to_string()), std::string::npos) << e.what();
    }
    std::error_code error;
    const planned_faults silent(call::connect, {.error = EINPROGRESS}, 0, 1 << 30);
    EXPECT_FALSE(tcp_stream::connect_for("127.0.0.1", gone.port(), 5ms, error).is_open());
    EXPECT_EQ(error, std::errc::timed_out);
    EXPECT_THROW(tcp_stream::connect_for("127.0.0.1", gone.port(), 0ms), std::system_error);
    expect_cancelled([&] { tcp_stream::connect("127.0.0.1", gone.port(), error); });
  });
}

TEST(EyeballsOnAPlainThread, WaitsForAllAttemptsToo) {
  auto good = listen_anywhere();
  const endpoint gone = refusing();
  const planned_faults silent(call::connect, {.error = EINPROGRESS}, 0, 1);
  const outcome o = connect_any({gone, good.local_endpoint()}, 1ms);
  EXPECT_FALSE(o.error);
  EXPECT_GE(o.socket.native(), 0);
}

}  // namespace
