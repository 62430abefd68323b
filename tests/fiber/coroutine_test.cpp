// Coroutines: who runs when, exceptions in both directions, suspension inside catch blocks and destructors, and the
// unwinding of what is destroyed while suspended.
#include <weft/fiber/coroutine.hpp>

#include <array>      // a large closure
#include <cfenv>      // rounding modes
#include <exception>  // uncaught_exceptions, current_exception
#include <memory>     // unique_ptr, shared_ptr
#include <optional>   // a coroutine's own handle
#include <stdexcept>  // runtime_error
#include <string>     // traces
#include <thread>     // jthread
#include <vector>     // many coroutines

#include <gtest/gtest.h>

#include "support/instrumented.hpp"

namespace {

using weft::coroutine;

struct counted {
  explicit counted(int& n) : destroyed(&n) {}
  counted(counted&& other) noexcept : destroyed(std::exchange(other.destroyed, nullptr)) {}
  ~counted() {
    if (destroyed != nullptr) ++*destroyed;
  }
  int* destroyed;
};

TEST(Coroutine, RunsInTurnsWithItsResumer) {
  std::string trace;
  coroutine c{[&](coroutine& self) {
    trace += 'a';
    self.yield();
    trace += 'b';
    self.yield();
    trace += 'c';
  }};
  EXPECT_FALSE(c.done());
  EXPECT_TRUE(trace.empty()) << "nothing runs before the first resume";
  EXPECT_TRUE(c.resume());
  trace += '1';
  EXPECT_TRUE(c.resume());
  trace += '2';
  EXPECT_FALSE(c.resume());
  EXPECT_TRUE(c.done());
  EXPECT_EQ(trace, "a1b2c");
}

TEST(Coroutine, YieldsFromAnyDepth) {
  struct recursion {
    static int sum(coroutine& self, int depth) {
      volatile char frame[200] = {};
      frame[depth % 200] = 1;
      if (depth == 0) {
        self.yield();
        return 0;
      }
      return frame[depth % 200] * depth + sum(self, depth - 1);
    }
  };
  int result = 0;
  coroutine c{[&](coroutine& self) { result = recursion::sum(self, 100); }};
  EXPECT_TRUE(c.resume());
  EXPECT_EQ(result, 0);
  EXPECT_FALSE(c.resume());
  EXPECT_EQ(result, 5050);
}

TEST(Coroutine, ItsHandleMovesWhileItIsSuspended) {
  int steps = 0;
  coroutine first{[&](coroutine& self) {
    for (;;) {
      ++steps;
      self.yield();
    }
  }};
  first.resume();
  coroutine second{std::move(first)};
  second.resume();
  std::vector<coroutine> many;
  many.push_back(std::move(second));
  many.back().resume();
  EXPECT_EQ(steps, 3);
  EXPECT_TRUE(coroutine{}.done());
  many.back() = coroutine{[&](coroutine&) { steps = 100; }};
  many.back().resume();
  EXPECT_EQ(steps, 100);
}

TEST(Coroutine, ExceptionsReachTheResumer) {
  coroutine c{[](coroutine& self) {
    self.yield();
    throw std::runtime_error("inside");
  }};
  EXPECT_TRUE(c.resume());
  try {
    c.resume();
    FAIL() << "no exception";
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "inside");
  }
  EXPECT_TRUE(c.done());
  EXPECT_EQ(std::uncaught_exceptions(), 0);
}

TEST(Coroutine, ClosureAndArgumentsDieWithTheBody) {
  int destroyed = 0;
  {
    coroutine c{[held = counted{destroyed}](coroutine& self) {
      EXPECT_NE(held.destroyed, nullptr);
      self.yield();
    }};
    c.resume();
    EXPECT_EQ(destroyed, 0);
    c.resume();
    EXPECT_EQ(destroyed, 1) << "at the end of the body, not of the handle";
  }
  EXPECT_EQ(destroyed, 1);
  {
    const coroutine never_run{[held = counted{destroyed}](coroutine&) { EXPECT_NE(held.destroyed, nullptr); }};
  }
  EXPECT_EQ(destroyed, 2);
}

TEST(Coroutine, MovedToItselfStaysAsItIs) {
  coroutine c{[](coroutine& self) { self.yield(); }};
  EXPECT_TRUE(c.resume());
  coroutine& same = c;
  c = std::move(same);
  EXPECT_FALSE(c.done());
  EXPECT_FALSE(c.resume());
}

TEST(Coroutine, AClosureThatThrowsWhileItIsTakenLeaksNothing) {
  struct throws_when_copied {
    throws_when_copied() = default;
    throws_when_copied(const throws_when_copied& /*other*/) { throw std::runtime_error("copy"); }
    void operator()(coroutine& /*self*/) const {}
  };
  const throws_when_copied body;
  for (int i = 0; i < 100; ++i) {
    EXPECT_THROW(coroutine{body}, std::runtime_error);
  }
}

// ---- exceptions in flight belong to the coroutine

TEST(Coroutine, MaySuspendInsideACatchBlock) {
  std::string trace;
  const auto body = [&](const char* name) {
    return [&trace, name](coroutine& self) {
      try {
        throw std::runtime_error(name);
      } catch (const std::runtime_error&) {
        self.yield();
        EXPECT_NE(std::current_exception(), nullptr);
        try {
          try {
            throw;  // the own one, though others were thrown and caught meanwhile
          } catch (const std::runtime_error& e) {
            self.yield();
            trace += e.what();
            throw std::logic_error(std::string(e.what()) + "!");
          }
        } catch (const std::logic_error& e) {
          self.yield();
          trace += e.what();
        }
      }
      EXPECT_EQ(std::current_exception(), nullptr);
    };
  };
  coroutine a{body("a")};
  coroutine b{body("b")};
  coroutine c{body("c")};
  while (!a.done() || !b.done() || !c.done()) {
    for (coroutine* one : {&a, &b, &c}) {
      if (!one->done()) one->resume();
      EXPECT_EQ(std::current_exception(), nullptr);
      EXPECT_EQ(std::uncaught_exceptions(), 0);
    }
  }
  EXPECT_EQ(trace, "abca!b!c!");
}

TEST(Coroutine, MaySuspendInADestructorDuringUnwinding) {
  struct yields_when_destroyed {
    coroutine& self;
    int& seen;
    ~yields_when_destroyed() {
      seen = std::uncaught_exceptions();
      self.yield();
      seen += 10 * std::uncaught_exceptions();
    }
  };
  int seen = -1;
  bool caught = false;
  coroutine c{[&](coroutine& self) {
    EXPECT_EQ(std::uncaught_exceptions(), 0) << "not the resumer's";
    try {
      const yields_when_destroyed y{self, seen};
      throw 1;
    } catch (int) {
      caught = true;
    }
  }};
  c.resume();
  EXPECT_EQ(seen, 1);
  EXPECT_EQ(std::uncaught_exceptions(), 0);
  try {
    throw std::runtime_error("the resumer's own");
  } catch (const std::runtime_error&) {
    c.resume();
    try {
      throw;
    } catch (const std::runtime_error& e) {
      EXPECT_STREQ(e.what(), "the resumer's own");
    }
  }
  EXPECT_EQ(seen, 11);
  EXPECT_TRUE(caught);
}

TEST(Coroutine, ResumedInsideACatchBlockOfItsResumerItSeesNoException) {
  coroutine c{[](coroutine& self) {
    EXPECT_EQ(std::current_exception(), nullptr);
    self.yield();
    EXPECT_EQ(std::current_exception(), nullptr);
  }};
  try {
    throw 1;
  } catch (int) {
    c.resume();
    EXPECT_NE(std::current_exception(), nullptr);
  }
  c.resume();
}

// ---- destroyed while suspended

TEST(Coroutine, DestructionUnwindsASuspendedOne) {
  int destroyed = 0;
  bool reached = false;
  {
    coroutine c{[&](coroutine& self) {
      const counted outer{destroyed};
      [&] {
        const counted inner{destroyed};
        self.yield();
        reached = true;
      }();
    }};
    c.resume();
  }
  EXPECT_EQ(destroyed, 2);
  EXPECT_FALSE(reached);
}

TEST(Coroutine, UnwindingThatIsSwallowedComesAgain) {
  int swallowed = 0, destroyed = 0;
  {
    coroutine c{[&](coroutine& self) {
      const counted outer{destroyed};
      for (int i = 0; i < 5; ++i) {
        try {
          self.yield();
        } catch (...) {
          ++swallowed;
        }
      }
      self.yield();
      ADD_FAILURE() << "the last yield returned";
    }};
    c.resume();
  }
  EXPECT_EQ(swallowed, 5);
  EXPECT_EQ(destroyed, 1);
}

TEST(Coroutine, ADestructorThatYieldsDuringTheUnwindingGoesOn) {
  int steps = 0;
  struct yields {
    coroutine& self;
    int& steps;
    ~yields() {
      self.yield();
      ++steps;
    }
  };
  {
    coroutine c{[&](coroutine& self) {
      const yields y{self, steps};
      self.yield();
    }};
    c.resume();
  }
  EXPECT_EQ(steps, 1);
}

TEST(Coroutine, AnotherExceptionInPlaceOfTheUnwindingIsDropped) {
  bool threw = false;
  {
    coroutine c{[&](coroutine& self) {
      try {
        self.yield();
      } catch (...) {
        threw = true;
        throw std::runtime_error("instead");
      }
    }};
    c.resume();
  }
  EXPECT_TRUE(threw);
}

TEST(Coroutine, DestroyedWhileAnExceptionIsUnwoundElsewhere) {
  int destroyed = 0;
  try {
    coroutine c{[&](coroutine& self) {
      const counted held{destroyed};
      self.yield();
    }};
    c.resume();
    throw 1;
  } catch (int) {
    EXPECT_EQ(destroyed, 1);
  }
}

// ---- nesting, state, limits

TEST(Coroutine, OneResumesAnother) {
  std::string trace;
  coroutine outer{[&](coroutine& self) {
    coroutine inner{[&](coroutine& me) {
      trace += 'i';
      me.yield();
      trace += 'j';
      throw std::runtime_error("through two");
    }};
    inner.resume();
    trace += 'o';
    self.yield();
    inner.resume();
  }};
  outer.resume();
  trace += '-';
  EXPECT_THROW(outer.resume(), std::runtime_error);
  EXPECT_EQ(trace, "io-j");
}

TEST(Coroutine, ResumersMayBeDifferentCoroutines) {
  int steps = 0;
  coroutine shared{[&](coroutine& self) {
    for (;;) {
      ++steps;
      self.yield();
    }
  }};
  coroutine a{[&](coroutine& self) {
    shared.resume();
    self.yield();
    shared.resume();
  }};
  coroutine b{[&](coroutine& self) {
    shared.resume();
    self.yield();
    shared.resume();
  }};
  while (!a.done()) {
    a.resume();
    b.resume();
    shared.resume();
  }
  EXPECT_EQ(steps, 6);
}

TEST(Coroutine, FloatingPointControlIsItsOwn) {
  int inside_first = -1, inside_later = -1;
  coroutine c{[&](coroutine& self) {
    inside_first = std::fegetround();
    std::fesetround(FE_UPWARD);
    self.yield();
    inside_later = std::fegetround();
  }};
  std::fesetround(FE_DOWNWARD);
  c.resume();
  const int outside = std::fegetround();
  std::fesetround(FE_TONEAREST);
  c.resume();
  EXPECT_EQ(inside_first, FE_TONEAREST);
  EXPECT_EQ(outside, FE_DOWNWARD);
  EXPECT_EQ(inside_later, FE_UPWARD);
  EXPECT_EQ(std::fegetround(), FE_TONEAREST);
}

TEST(Coroutine, LargeAndAlignedClosuresFit) {
  struct alignas(128) block {
    std::array<char, 4096> bytes{};
  };
  block b;
  b.bytes[17] = 'x';
  bool ok = false;
  coroutine c{[b, &ok](coroutine& self) {
    self.yield();
    ok = b.bytes[17] == 'x' && reinterpret_cast<std::uintptr_t>(&b) % 128 == 0;
  }};
  c.resume();
  c.resume();
  EXPECT_TRUE(ok);
}

TEST(Coroutine, SizesOutOfRangeAreRefused) {
  const auto body = [](coroutine&) {};
  EXPECT_THROW(coroutine(body, 1024), std::invalid_argument);
  EXPECT_THROW(coroutine(body, std::size_t{1} << (sizeof(void*) == 8 ? 40 : 30)), std::invalid_argument);
  const auto large = [bytes = std::array<char, 8192>{}](coroutine&) { EXPECT_EQ(bytes[0], 0); };
  EXPECT_THROW(coroutine(large, std::size_t{16} * 1024), std::invalid_argument);
}

TEST(Coroutine, StacksAreReused) {
  constexpr int rounds = weft::testing::instrumented ? 2'000 : 50'000;
  int steps = 0;
  for (int i = 0; i < rounds; ++i) {
    coroutine c{[&](coroutine& self) {
      ++steps;
      self.yield();
    }};
    c.resume();
  }
  EXPECT_EQ(steps, rounds);
}

TEST(Coroutine, EachThreadHasItsOwn) {
  std::vector<std::jthread> threads;
  std::array<int, 4> sums{};
  for (int& sum : sums) {
    threads.emplace_back([&sum] {
      for (int i = 0; i < 200; ++i) {
        coroutine c{[&](coroutine& self) {
          for (int k = 0; k < 10; ++k) {
            sum += k;
            self.yield();
          }
        }};
        while (c.resume()) {
        }
      }
    });
  }
  threads.clear();
  for (const int sum : sums) {
    EXPECT_EQ(sum, 200 * 45);
  }
}

using CoroutineDeathTest = ::testing::Test;

TEST(CoroutineDeathTest, BrokenContractsAreNamed) {
  EXPECT_DEATH(coroutine{}.resume(), "coroutine: none here");
  EXPECT_DEATH(
      {
        coroutine c{[](coroutine&) {}};
        c.resume();
        c.resume();
      },
      "resume\\(\\) of one that is done");
  EXPECT_DEATH(
      {
        coroutine c{[&c](coroutine&) { c.resume(); }};
        c.resume();
      },
      "resume\\(\\) of one that is running");
  EXPECT_DEATH(
      {
        coroutine c{[](coroutine&) {}};
        c.yield();
      },
      "yield\\(\\) from outside");
  EXPECT_DEATH(
      {
        std::optional<coroutine> c;
        c.emplace([&c](coroutine&) { c.reset(); });
        c->resume();
      },
      "destroyed while it runs");
  EXPECT_DEATH(
      {
        coroutine c{[](coroutine& self) {
          for (;;) {
            try {
              self.yield();
            } catch (...) {
            }
          }
        }};
        c.resume();
        c = coroutine{};
      },
      "swallowed its unwinding");
}

}  // namespace
