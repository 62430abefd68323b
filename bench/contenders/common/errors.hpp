// Why a workload has no figures: it cannot be run like this here (exit code 77), its result is wrong (1), a system call
// failed (1).
#pragma once
#include <cerrno>        // errno
#include <stdexcept>     // runtime_error
#include <string>        // messages
#include <system_error>  // system_error

namespace contenders {

struct unavailable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct wrong_result : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class A, class B>
void check_equal(const char* what, const A& got, const B& wanted) {
  if (got != wanted) {
    throw wrong_result(std::string(what) + " is " + std::to_string(got) + ", should be " + std::to_string(wanted));
  }
}

// The result of a system call that must not fail.
template <class Result>
Result needed(Result result, const char* what) {
  if (result < 0) {
    throw std::system_error(errno, std::generic_category(), what);
  }
  return result;
}

}  // namespace contenders
