// Exception state belongs to the fiber: it may suspend in a handler, in nested ones, or in a destructor during unwinding,
// while others on the same thread throw and catch.
#include <cstddef>    // size_t
#include <cstring>    // memset
#include <exception>  // current_exception, uncaught_exceptions
#include <stdexcept>  // runtime_error
#include <string>     // messages
#include <vector>     // handles

#include <gtest/gtest.h>

#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>

#include "support/schedules.hpp"

namespace {

using weft::testing::everywhere;
namespace this_fiber = weft::this_fiber;

// Its living copies are counted: each exception object is freed exactly once.
std::atomic<int> living{0};
struct tagged : std::runtime_error {
  explicit tagged(const std::string& text) : std::runtime_error(text) { ++living; }
  tagged(const tagged& other) : std::runtime_error(other) { ++living; }
  tagged& operator=(const tagged&) = delete;
  ~tagged() override { --living; }
};

void suspend() {
  for (int i = 0; i < 3; ++i) this_fiber::yield();
  this_fiber::sleep_for(std::chrono::microseconds(1));
}

std::string current_text() {
  try {
    std::rethrow_exception(std::current_exception());
  } catch (const tagged& e) {
    return e.what();
  }
}

void in_a_handler(const std::string& mine) {
  EXPECT_EQ(std::current_exception(), nullptr);
  EXPECT_EQ(std::uncaught_exceptions(), 0);
  try {
    throw tagged(mine);
  } catch (const tagged& e) {
    suspend();
    EXPECT_EQ(e.what(), mine);
    EXPECT_EQ(current_text(), mine);
    EXPECT_EQ(std::uncaught_exceptions(), 0);
    try {
      throw;
    } catch (const tagged& again) {
      suspend();
      EXPECT_EQ(again.what(), mine);
    }
  }
  EXPECT_EQ(std::current_exception(), nullptr);
}

void in_nested_handlers(const std::string& mine) {
  try {
    throw tagged(mine + " outer");
  } catch (const tagged&) {
    try {
      suspend();
      throw tagged(mine + " inner");
    } catch (const tagged&) {
      suspend();
      EXPECT_EQ(current_text(), mine + " inner");
    }
    EXPECT_EQ(current_text(), mine + " outer");
    suspend();
    EXPECT_EQ(current_text(), mine + " outer");
  }
}

struct suspends_in_destructor {
  std::string mine;
  ~suspends_in_destructor() {
    EXPECT_EQ(std::uncaught_exceptions(), 1);
    suspend();
    EXPECT_EQ(std::uncaught_exceptions(), 1);
    in_a_handler_while_unwinding();
  }
  void in_a_handler_while_unwinding() const {
    try {
      throw tagged(mine + " in the destructor");
    } catch (const tagged& e) {
      suspend();
      EXPECT_EQ(e.what(), mine + " in the destructor");
      EXPECT_EQ(std::uncaught_exceptions(), 1);
    }
  }
};

void in_a_destructor(const std::string& mine) {
  try {
    const suspends_in_destructor guard{mine};
    throw tagged(mine);
  } catch (const tagged& e) {
    EXPECT_EQ(e.what(), mine);
    EXPECT_EQ(std::uncaught_exceptions(), 0);
  }
}

void in_a_handler_of_rethrow_exception(const std::string& mine) {
  const std::exception_ptr kept = std::make_exception_ptr(tagged(mine));
  suspend();
  for (int i = 0; i < 2; ++i) {
    try {
      std::rethrow_exception(kept);
    } catch (const tagged& e) {
      suspend();
      EXPECT_EQ(e.what(), mine);
      EXPECT_EQ(current_text(), mine);
    }
  }
}

std::string suspending_text(const std::string& mine) {
  suspend();
  return mine;
}
// The exception object is being made when its fiber suspends.
void between_construction_and_throw(const std::string& mine) {
  try {
    throw tagged(suspending_text(mine));
  } catch (const tagged& e) {
    EXPECT_EQ(e.what(), mine);
  }
}

void all_kinds_at_once() {
  using body = void (*)(const std::string&);
  const body bodies[] = {in_a_handler, in_nested_handlers, in_a_destructor, in_a_handler_of_rethrow_exception,
                         between_construction_and_throw};
  std::vector<weft::fiber<>> all;
  for (int i = 0; i < 20; ++i) all.push_back(weft::spawn(bodies[i % 5], "fiber " + std::to_string(i)));
  for (auto& f : all) f.join();
}

TEST(ExceptionState, BelongsToTheFiber) {
  everywhere(all_kinds_at_once);
  EXPECT_EQ(living.load(), 0);
}

TEST(ExceptionState, OfTheSpawnerIsNotInherited) {
  everywhere([] {
    try {
      throw tagged("the spawner's");
    } catch (const tagged&) {
      weft::spawn([] {
        EXPECT_EQ(std::current_exception(), nullptr);
        EXPECT_EQ(std::uncaught_exceptions(), 0);
        suspend();
      }).join();
      EXPECT_EQ(current_text(), "the spawner's");
    }
  });
  EXPECT_EQ(living.load(), 0);
}

// A fiber that is joined in a handler, and fails: two exceptions on two stacks, then both on one.
TEST(ExceptionState, JoiningAFailureInAHandler) {
  everywhere([] {
    try {
      throw tagged("outer");
    } catch (const tagged&) {
      try {
        weft::spawn([] { throw tagged("child"); }).join();
        ADD_FAILURE() << "nothing thrown";
      } catch (const tagged& e) {
        EXPECT_STREQ(e.what(), "child");
      }
      EXPECT_EQ(current_text(), "outer");
    }
  });
  EXPECT_EQ(living.load(), 0);
}

// Writes to the stack just below its caller, where an address sanitizer looks at each byte.
[[gnu::noinline, gnu::no_sanitize_address]] void write_below_the_caller() {
  char below[1024];
  void* (*volatile fill)(void*, int, std::size_t) = std::memset;
  fill(below, 1, sizeof below);
}

// What suspended there is left as if it had returned: its frame is free for the next one.
TEST(ExceptionState, ASuspensionInAHandlerLeavesNoPoisonBelow) {
  everywhere([] {
    auto other = weft::spawn([] {
      for (int i = 0; i < 4; ++i) this_fiber::yield();
    });
    try {
      throw tagged("handled");
    } catch (const tagged&) {
      this_fiber::yield();
      write_below_the_caller();
      this_fiber::sleep_for(std::chrono::microseconds(1));
      write_below_the_caller();
    }
    other.join();
  });
  EXPECT_EQ(living.load(), 0);
}

}  // namespace
