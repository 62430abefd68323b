// What one change of context costs, in ns: weft's two switches, in their variants, beside Boost.Context and a C++20
// coroutine. Two contexts take turns; a round trip is two switches. All contenders run in every repetition, one after
// the other, so that a disturbance of the machine meets them all; printed are the least and the median.
#include <algorithm>  // sort
#include <chrono>     // steady_clock
#include <coroutine>  // the stackless contender
#include <cstdint>    // uint64_t
#include <cstdio>     // printf
#include <cstdlib>    // strtoul
#include <exception>  // terminate
#include <memory>     // unique_ptr
#include <vector>     // samples

#include <weft/fiber/coroutine.hpp>

#include "contenders.hpp"
#include "context/naked_switch.hpp"
#include "context/switch.hpp"
#include "naked_ret.hpp"

namespace {

using namespace weft::detail;

constexpr std::size_t stack_bytes = std::size_t{64} * 1024;
using round_trips = void (*)(std::uint64_t n);

struct stack_memory {
  std::unique_ptr<std::byte[]> bytes = std::make_unique<std::byte[]>(stack_bytes);
  void* top() const noexcept {
    return reinterpret_cast<void*>((reinterpret_cast<std::uintptr_t>(bytes.get()) + stack_bytes) & ~std::uintptr_t{63});
  }
};

// ---- inline ---------------------------------------------------------------------------------------------------------

context host, guest;

void inline_guest(void* /*unused*/) noexcept {
  for (;;) {
    switch_context(guest, host);
  }
}
void inline_trips(std::uint64_t n) {
  static const stack_memory stack;
  make_context(guest, stack.top(), inline_guest, nullptr);
  for (; n != 0; --n) {
    switch_context(host, guest);
  }
}

void integer_guest(void* /*unused*/) noexcept {
  for (;;) {
    switch_registers(guest, host);
  }
}
void integer_trips(std::uint64_t n) {
  static const stack_memory stack;
  make_context(guest, stack.top(), integer_guest, nullptr);
  for (; n != 0; --n) {
    switch_registers(host, guest);
  }
}

// ---- out of line ----------------------------------------------------------------------------------------------------

void* host_sp = nullptr;
void* guest_sp = nullptr;

void naked_guest(void* /*unused*/) noexcept {
  for (;;) {
    weft_switch(&guest_sp, host_sp, nullptr);
  }
}
void naked_trips(std::uint64_t n) {
  static const stack_memory stack;
  guest_sp = make_naked_context(stack.top(), naked_guest);
  for (; n != 0; --n) {
    weft_switch(&host_sp, guest_sp, nullptr);
  }
}

void ret_guest(void* /*unused*/) noexcept {
  for (;;) {
    weft_switch_ret(&guest_sp, host_sp, nullptr);
  }
}
void ret_trips(std::uint64_t n) {
  static const stack_memory stack;
  guest_sp = bench::make_ret_context(stack.top(), ret_guest);
  for (; n != 0; --n) {
    weft_switch_ret(&host_sp, guest_sp, nullptr);
  }
}

// The same from one call site: what a predicted `ret` would cost, and a library cannot demand.
[[gnu::noinline]] void ret_site(void** save, void* const* load, std::uint64_t n) {
  for (; n != 0; --n) {
    weft_switch_ret(save, *load, nullptr);
  }
}
void (*volatile const one_site)(void**, void* const*, std::uint64_t) = ret_site;  // no clone per caller
void ret_one_site_guest(void* /*unused*/) noexcept { one_site(&guest_sp, &host_sp, ~std::uint64_t{0}); }
void ret_one_site_trips(std::uint64_t n) {
  static const stack_memory stack;
  guest_sp = bench::make_ret_context(stack.top(), ret_one_site_guest);
  one_site(&host_sp, &guest_sp, n);
}

// ---- a C++20 coroutine ----------------------------------------------------------------------------------------------

struct stackless {
  struct promise_type {
    stackless get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

[[gnu::noinline]] stackless stackless_guest() {
  for (;;) {
    co_await std::suspend_always{};
  }
}
void stackless_trips(std::uint64_t n) {
  const stackless guest_coroutine = stackless_guest();
  for (; n != 0; --n) {
    guest_coroutine.handle.resume();
  }
  guest_coroutine.handle.destroy();
}

// ---- what is built on the out-of-line switch ------------------------------------------------------------------------

void coroutine_trips(std::uint64_t n) {
  weft::coroutine guest_coroutine{[](weft::coroutine& self) {
    for (;;) {
      self.yield();
    }
  }};
  for (; n != 0; --n) {
    guest_coroutine.resume();
  }
}

struct contender {
  const char* name;
  round_trips run;
  std::vector<double> ns = {};
};

void repeat(std::vector<contender>& all, int repetitions, std::uint64_t trips) {
  for (int i = 0; i <= repetitions; ++i) {  // the first repetition is warm-up
    for (contender& c : all) {
      const auto start = std::chrono::steady_clock::now();
      c.run(trips);
      const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
      if (i != 0) {
        c.ns.push_back(took.count() / static_cast<double>(2 * trips));
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t trips = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 2'000'000;
  std::vector<contender> all = {
      {"inline switch", inline_trips},
      {"inline switch, integer half alone", integer_trips},
      {"naked switch (jmp)", naked_trips},
      {"naked switch (ret), two call sites", ret_trips},
      {"naked switch (ret), one call site", ret_one_site_trips},
      {"weft::coroutine", coroutine_trips},
      {"C++20 coroutine", stackless_trips},
  };
  if (bench::boost_trips != nullptr) {
    all.push_back({"Boost.Context fiber", bench::boost_trips});
  }
  repeat(all, 11, trips);
  std::printf("%-40s %10s %10s   (ns a switch, least and median of 11)\n", "contender", "least", "median");
  for (contender& c : all) {
    std::sort(c.ns.begin(), c.ns.end());
    std::printf("%-40s %10.2f %10.2f\n", c.name, c.ns.front(), c.ns[c.ns.size() / 2]);
  }
  return 0;
}
