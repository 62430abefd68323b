// A fiber cannot end the thread of its worker: that would leave the others waiting for ever. It is reported instead.
#include <csignal>    // SIGABRT
#include <pthread.h>  // pthread_exit, pthread_cancel
#include <string>     // reports
#include <unistd.h>   // alarm

#include <gtest/gtest.h>

#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>
#include <weft/sync/event.hpp>

#include "support/child.hpp"
#include "support/instrumented.hpp"

namespace {

using weft::testing::child_result;
using weft::testing::run_in_child;
namespace this_fiber = weft::this_fiber;

void expect_report(const child_result& of, const std::string& text) {
  EXPECT_TRUE(of.killed_by(SIGABRT)) << of.status;
  EXPECT_NE(of.errors.find(text), std::string::npos) << of.errors;
  EXPECT_NE(of.errors.find("culprit"), std::string::npos) << of.errors;
}

// Nothing on the fiber's stack stops it: the thread ends.
TEST(WorkerThread, PthreadExitInADetachedFiberIsReportedWithItsName) {
  // AddressSanitizer aborts at the thread's end, on a stack that it does not take for the thread's.
  if (weft::testing::instrumented) GTEST_SKIP() << "sanitizers lose track when a thread jumps to its end from a fiber";
  const child_result child = run_in_child([] {
    ::alarm(20);  // should it hang
    weft::event never;
    weft::runtime rt({.workers = 1});
    rt.run([&] {
      weft::spawn({.name = "culprit"}, [] { ::pthread_exit(nullptr); }).detach();  // before it starts
      never.wait();
    });
  });
  expect_report(child, "the thread of a worker has ended inside a fiber, by pthread_exit");
}

// The handler that keeps exceptions for the joiner meets it first.
TEST(WorkerThread, PthreadExitInAJoinableFiberIsReportedWithItsName) {
  if (weft::testing::thread_sanitized) GTEST_SKIP() << "ThreadSanitizer dies of pthread_exit in a fiber first";
  const child_result child = run_in_child([] {
    weft::runtime rt({.workers = 1});
    rt.spawn({.name = "culprit"}, [] { ::pthread_exit(nullptr); }).join();
  });
  expect_report(child, "pthread_exit, or an exception of another language, leaves a fiber");
}

TEST(WorkerThread, IsNotCancelled) {
  weft::runtime rt({.workers = 1});
  const bool went_on = rt.run([] {
    ::pthread_cancel(::pthread_self());
    ::pthread_testcancel();
    this_fiber::sleep_for(std::chrono::milliseconds(1));
    return true;
  });
  EXPECT_TRUE(went_on);
  EXPECT_EQ(rt.run([] { return 7; }), 7);
}

}  // namespace
