// Functions are called as they were passed, and references that they return stay references.
#include <string>   // results
#include <utility>  // move
#include <variant>  // get

#include <gtest/gtest.h>

#include <weft/sync/event.hpp>
#include <weft/task/parallel.hpp>
#include <weft/task/when.hpp>

#include "support/schedules.hpp"

namespace {

using namespace weft::testing;

struct once {
  int& calls;
  void operator()() && { ++calls; }
};
struct either {
  int& as_lvalue;
  int& as_rvalue;
  void operator()() & { ++as_lvalue; }
  void operator()() && { ++as_rvalue; }
};

TEST(ParallelInvoke, CallsAnRvalueAsOneAndAnLvalueAsOne) {
  everywhere(
      [] {
        int calls[3] = {};
        weft::parallel_invoke(once{calls[0]}, once{calls[1]}, once{calls[2]});
        EXPECT_EQ(calls[0] + calls[1] + calls[2], 3);
        int lvalues = 0;
        int rvalues = 0;
        either named{lvalues, rvalues};
        weft::parallel_invoke(named, either{lvalues, rvalues});
        EXPECT_EQ(lvalues, 1);
        EXPECT_EQ(rvalues, 1);
        weft::parallel_invoke(once{calls[0]});
        EXPECT_EQ(calls[0], 2);
      },
      50);
}

TEST(WhenAny, AReferenceThatWinsIsTheFunctionsOwn) {
  everywhere(
      [] {
        int x = 1;
        const auto winner = weft::when_any([&]() -> int& { return x; }, [] { weft::event().wait(); });
        EXPECT_EQ(winner.index(), 0U);
        EXPECT_EQ(&std::get<0>(winner).get(), &x);
        std::string text = "moved";
        const auto moved = weft::when_any([&]() -> std::string&& { return std::move(text); });
        EXPECT_EQ(std::get<0>(moved), "moved");
      },
      50);
}

}  // namespace
