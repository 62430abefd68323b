// A function whose result is const, as older code declares them: its value goes through all that carries results.
#include <future>   // launch
#include <string>   // a result that is not trivial
#include <tuple>    // get
#include <variant>  // get

#include <gtest/gtest.h>

#include <weft/sync/future.hpp>
#include <weft/task/scope.hpp>
#include <weft/task/when.hpp>

#include "support/test_runtime.hpp"

namespace {

using weft::testing::test_runtime;

struct name {
  std::string text;
};
const name constant_name() { return {"constant"}; }

TEST(ConstantResult, GoesThroughAFuture) {
  test_runtime rt{1};
  rt.run([] {
    EXPECT_EQ(weft::async(constant_name).get().text, "constant");
    EXPECT_EQ(weft::async(std::launch::deferred, constant_name).share().get().text, "constant");
    weft::packaged_task task(constant_name);
    auto f = task.get_future();
    task();
    EXPECT_EQ(f.get().text, "constant");
    weft::promise<const name> p;
    p.set_value(name{"kept"});
    EXPECT_EQ(p.get_future().get().text, "kept");
  });
}

TEST(ConstantResult, GoesThroughFibersAndScopes) {
  test_runtime rt{1};
  rt.run([] {
    EXPECT_EQ(weft::spawn(constant_name).join().text, "constant");
    EXPECT_EQ(weft::with_scope([](weft::scope& s) { return s.fork(constant_name).join().text; }), "constant");
    EXPECT_EQ(std::get<0>(weft::when_all(constant_name)).text, "constant");
    EXPECT_EQ(std::get<0>(weft::when_any(constant_name)).text, "constant");
  });
}

}  // namespace
