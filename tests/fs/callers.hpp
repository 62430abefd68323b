// Tests of files that must hold whoever calls: a plain thread, or a fiber.
#pragma once
#include <utility>  // forward

#include <gtest/gtest.h>

#include "fs/temporary_folder.hpp"

namespace weft_test {

// Parameter 0: on a plain thread; else in a fiber of a runtime with so many workers.
class from_thread_or_fiber : public ::testing::TestWithParam<unsigned> {
 protected:
  template <class F>
  void go(F&& body) {
    const no_descriptor_leaks none;
    if (GetParam() == 0) {
      std::forward<F>(body)();
    } else {
      weft::run(workers(GetParam()), std::forward<F>(body));
    }
  }
  temporary_folder folder_;
};

}  // namespace weft_test
