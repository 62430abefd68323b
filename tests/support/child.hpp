// Runs part of a test in a child process: for what changes the whole process (limits, global state, death by signal).
#pragma once
#include <gtest/gtest.h>

#include <csignal>  // signal
#include <cstdio>   // fflush
#include <cstdlib>  // abort
#include <source_location>
#include <string>      // what the child wrote
#include <sys/wait.h>  // waitpid
#include <unistd.h>    // fork, pipe, dup2
#include <utility>     // forward

namespace weft::testing {

inline constexpr int skipped_status = 77;

struct child_result {
  int status = -1;     // as waitpid() gives it
  std::string errors;  // what it wrote to standard error

  bool passed() const { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }
  bool skipped() const { return WIFEXITED(status) && WEXITSTATUS(status) == skipped_status; }
  bool killed_by(int signal_number) const { return WIFSIGNALED(status) && WTERMSIG(status) == signal_number; }
};

// `body` may use EXPECT and ASSERT (in a void function): the child's exit status says whether they held. Signals have
// their default action in the child, also under sanitizers, which otherwise turn them into reports.
template <class Body>
child_result run_in_child(Body&& body) {
  std::fflush(nullptr);
  int ends[2];
  if (::pipe(ends) != 0) {
    std::abort();
  }
  const pid_t child = ::fork();
  if (child < 0) {
    std::abort();
  }
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    ::dup2(ends[1], STDOUT_FILENO);  // failed expectations print there
    ::close(ends[0]);
    ::close(ends[1]);
    std::signal(SIGSEGV, SIG_DFL);
    std::signal(SIGABRT, SIG_DFL);
    std::forward<Body>(body)();
    std::fflush(nullptr);
    ::_exit(::testing::Test::HasFailure() ? 1 : (::testing::Test::IsSkipped() ? skipped_status : 0));
  }
  ::close(ends[1]);
  child_result result;
  char text[4096];
  for (ssize_t got = 0; (got = ::read(ends[0], text, sizeof text)) > 0;) {
    result.errors.append(text, static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  ::waitpid(child, &result.status, 0);
  return result;
}

// As run_in_child; the body must pass there. If it skips, so does the calling test.
template <class Body>
void expect_in_child(Body&& body, std::source_location where = std::source_location::current()) {
  const child_result result = run_in_child(std::forward<Body>(body));
  if (result.skipped()) {
    GTEST_SKIP() << result.errors;
  }
  EXPECT_TRUE(result.passed()) << where.file_name() << ':' << where.line() << ": status " << result.status << '\n'
                               << result.errors;
}

}  // namespace weft::testing
