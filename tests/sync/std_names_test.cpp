// Where programs that were written for std meet weft's classes: its names, and the listed differences.
#include <future>       // future_error
#include <stdexcept>    // runtime_error
#include <stop_token>   // nostopstate
#include <type_traits>  // is_same

#include <gtest/gtest.h>

#include <weft/sync/future.hpp>
#include <weft/sync/stop_token.hpp>

namespace {

TEST(StdNames, AStopSourceTakesStdsWordForNoState) {
  EXPECT_FALSE(weft::stop_source(std::nostopstate).stop_possible());
  EXPECT_FALSE(weft::stop_source(weft::nostopstate).stop_possible());
  static_assert(std::is_same_v<weft::nostopstate_t, std::nostopstate_t>);
}

// Its copy lets another setter try, then fails.
struct contended {
  weft::promise<contended>* to = nullptr;
  int* refused = nullptr;
  contended() = default;
  contended(const contended& from) {
    if (from.to == nullptr) return;
    try {
      from.to->set_value(contended{});
    } catch (const std::future_error& e) {
      if (e.code() == std::future_errc::promise_already_satisfied) ++*from.refused;
    }
    throw std::runtime_error("copy");
  }
};

TEST(StdNames, ASetterIsRefusedWhileAnotherCopiesAndMaySetAfterThatHasFailed) {
  int refused = 0;
  weft::promise<contended> p;
  contended value;
  value.to = &p;
  value.refused = &refused;
  EXPECT_THROW(p.set_value(value), std::runtime_error);
  EXPECT_EQ(refused, 1);
  EXPECT_NO_THROW(p.set_value(contended{}));
  EXPECT_NO_THROW(p.get_future().get());
}

}  // namespace
