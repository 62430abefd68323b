// The same tests run once more with WEFT_IO=uring. Where there is no io_uring they are skipped, each of them, and do not
// fail for what the machine lacks.
#include <cstdlib>      // getenv
#include <string_view>  // comparison

#include <gtest/gtest.h>

#include "sched/poller.hpp"

namespace {

class io_environment : public testing::Environment {
 public:
  void SetUp() override {
    const char* const io = std::getenv("WEFT_IO");
    if (io != nullptr && std::string_view(io) == "uring" && weft::detail::why_no_uring() != 0) {
      GTEST_SKIP() << "no io_uring here: errno " << weft::detail::why_no_uring();
    }
  }
};
[[maybe_unused]] const auto* const registered = testing::AddGlobalTestEnvironment(new io_environment);

}  // namespace
