// The system's exceptions on a coroutine's stack: handlers run there, nobody's exceptions reach the program's filter, and
// the C++ runtime's find their end.
#include <csetjmp>    // setjmp, longjmp
#include <cstdio>     // fprintf
#include <cstdlib>    // _exit
#include <exception>  // terminate handlers

#include <windows.h>  // AddVectoredExceptionHandler, RaiseException, SetUnhandledExceptionFilter

#include <gtest/gtest.h>

#include <weft/fiber/coroutine.hpp>

#include "block.hpp"
#include "throw_there.hpp"

namespace {

using namespace weft::testing;
using weft::coroutine;

constexpr DWORD own_code = 0xe0000077;

struct vectored {
  explicit vectored(PVECTORED_EXCEPTION_HANDLER h) : handle(::AddVectoredExceptionHandler(1, h)) {}
  ~vectored() { ::RemoveVectoredExceptionHandler(handle); }
  vectored(const vectored&) = delete;
  vectored& operator=(const vectored&) = delete;
  void* handle;
};

int handled = 0;

TEST(Faults, AVectoredHandlerLetsACoroutineGoOn) {
  handled = 0;
  const vectored handler{[](EXCEPTION_POINTERS* at) -> LONG {
    if (at->ExceptionRecord->ExceptionCode != own_code) return EXCEPTION_CONTINUE_SEARCH;
    ++handled;
    return EXCEPTION_CONTINUE_EXECUTION;
  }};
  bool went_on = false;
  coroutine c{[&](coroutine& self) {
    ::RaiseException(own_code, 0, 0, nullptr);
    self.yield();
    ::RaiseException(own_code, 0, 0, nullptr);
    went_on = true;
  }};
  const thread_block before = block_now();
  c.resume();
  EXPECT_EQ(block_now(), before);
  c.resume();
  EXPECT_TRUE(went_on);
  EXPECT_EQ(handled, 2);
}

LONG CALLBACK throw_instead(EXCEPTION_POINTERS* at) {
  if (at->ExceptionRecord->ExceptionCode != static_cast<DWORD>(EXCEPTION_ACCESS_VIOLATION)) {
    return EXCEPTION_CONTINUE_SEARCH;
  }
  throw_there(*at->ContextRecord);
  return EXCEPTION_CONTINUE_EXECUTION;
}

[[gnu::noinline]] int read_at(const volatile int* address) {
  const int value = *address;
  if (value == 12345) throw_fault();
  return value;
}

TEST(Faults, AFaultMayBecomeAnExceptionOfTheCoroutine) {
  const vectored handler{throw_instead};
  int destroyed = 0;
  struct counted {
    int& n;
    ~counted() { ++n; }
  };
  coroutine c{[&](coroutine& self) {
    const counted outer{destroyed};
    self.yield();
    const counted inner{destroyed};
    volatile int* volatile nowhere = nullptr;
    EXPECT_EQ(read_at(nowhere), 1) << "not reached";
  }};
  c.resume();
  EXPECT_THROW(c.resume(), fault);
  EXPECT_EQ(destroyed, 2);
}

// longjmp is an unwinding by the system there.
[[gnu::noinline]] void jump(std::jmp_buf& to) { std::longjmp(to, 17); }

TEST(Faults, ALongjmpWithinACoroutineFindsItsFrame) {
  static int got;  // not a local of the frame that is returned to twice
  got = 0;
  coroutine c{[](coroutine& self) {
    std::jmp_buf here;
    if (const int value = setjmp(here); value == 0) {
      self.yield();
      jump(here);
    } else {
      got = value;
    }
    self.yield();
  }};
  const thread_block before = block_now();
  c.resume();
  EXPECT_TRUE(c.resume());
  EXPECT_EQ(got, 17);
  EXPECT_EQ(block_now(), before);
}

LONG WINAPI tell_and_leave(EXCEPTION_POINTERS* at) {
  std::fprintf(stderr, "the filter: %lx\n", at->ExceptionRecord->ExceptionCode);
  std::_Exit(7);
}

using FaultsDeathTest = ::testing::Test;

TEST(FaultsDeathTest, OneThatNobodyHandlesReachesTheProgramsFilter) {
  EXPECT_EXIT(
      {
        ::SetUnhandledExceptionFilter(tell_and_leave);
        coroutine c{[](coroutine&) {
          volatile int* volatile nowhere = nullptr;
          *nowhere = 1;
        }};
        c.resume();
      },
      ::testing::ExitedWithCode(7), "the filter: c0000005");
}

TEST(FaultsDeathTest, AnExceptionThatLeavesANoexceptFrameTerminates) {
  EXPECT_EXIT(
      {
        std::set_terminate([] {
          std::fprintf(stderr, "terminated\n");
          std::_Exit(8);
        });
        coroutine c{[](coroutine& self) {
          const auto frame = [&]() noexcept {
            self.yield();
            throw_fault();
          };
          frame();
        }};
        c.resume();
        c.resume();
      },
      ::testing::ExitedWithCode(8), "terminated");
}

}  // namespace
