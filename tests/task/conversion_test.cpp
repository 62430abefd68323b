// Values that are converted on their way through a template of weft: without a warning where the conversion is asked for.
// The project's own warnings (-Wconversion, -Wsign-conversion, as errors) are half of the test.
#include <cstddef>     // size_t
#include <cstdint>     // uint16_t
#include <functional>  // plus
#include <memory>      // unique_ptr
#include <optional>    // optional
#include <string>      // string
#include <vector>      // input

#include <gtest/gtest.h>

#include <weft/sync/future.hpp>
#include <weft/sync/select.hpp>
#include <weft/task/parallel.hpp>

#include "support/test_runtime.hpp"

namespace {

using weft::testing::test_runtime;

TEST(Conversion, OfAValueThatASelectSends) {
  test_runtime rt{1};
  rt.run([] {
    weft::channel<std::size_t> sizes(1);
    const int one = 1;
    EXPECT_EQ(weft::select(weft::on_send(sizes, one, [] {})), 0U);
    EXPECT_EQ(sizes.receive(), 1U);
    weft::channel<std::string> names(1);
    weft::select(weft::on_send(names, "name", [] {}));
    EXPECT_EQ(names.receive(), "name");
    weft::channel<std::unique_ptr<int>> owners(1);
    weft::select(weft::on_send(owners, std::make_unique<int>(3), [] {}));
    EXPECT_EQ(**owners.receive(), 3);
  });
}

TEST(Conversion, OfTheResultOfAPackagedTask) {
  weft::packaged_task<std::size_t()> size([] { return 5; });
  auto f = size.get_future();
  size();
  EXPECT_EQ(f.get(), 5U);
  weft::packaged_task<float(double)> narrow([](double d) { return d; });
  auto g = narrow.get_future();
  narrow(0.5);
  EXPECT_EQ(g.get(), 0.5F);
  int target = 1;
  weft::packaged_task<const int&()> view([&]() -> int& { return target; });
  auto h = view.get_future();
  view();
  EXPECT_EQ(&h.get(), &target);
}

TEST(Conversion, OfWhatAReductionMapsAndAdds) {
  test_runtime rt{1};
  rt.run([] {
    const int n = 1000;
    EXPECT_EQ(weft::parallel_reduce(0, n, std::size_t{0}, std::plus<>{}, [](int i) { return i; }), 499'500U);
    const auto small = weft::parallel_reduce(0, n, std::uint16_t{0}, std::plus<>{}, [](int i) { return i; });
    EXPECT_EQ(small, static_cast<std::uint16_t>(499'500));
    const auto half = weft::parallel_reduce(0, n, 0.0F, std::plus<>{}, [](int) { return 0.5; });
    EXPECT_EQ(half, 500.0F);
    const std::vector<double> weights(64, 2.0);
    EXPECT_EQ(weft::parallel_reduce(weights.begin(), weights.end(), 0, std::plus<>{}, [](double w) { return w; }), 128);
  });
}

}  // namespace
