// What one change of context costs: weft's two switches, in their variants, beside a C++20 coroutine. Two contexts take
// turns; a round is two switches.
#include <coroutine>  // the stackless contender
#include <cstddef>    // byte
#include <cstdint>    // uint64_t
#include <exception>  // terminate
#include <memory>     // unique_ptr

#include "context/naked_switch.hpp"
#include "context/switch.hpp"
#include "micro/micro.hpp"
#include "micro/naked_ret.hpp"

namespace micro {
namespace {

using namespace weft::detail;

constexpr std::size_t stack_bytes = std::size_t{64} * 1024;

struct stack_memory {
  std::unique_ptr<std::byte[]> bytes = std::make_unique<std::byte[]>(stack_bytes);
  void* top() const noexcept {
    return reinterpret_cast<void*>((reinterpret_cast<std::uintptr_t>(bytes.get()) + stack_bytes) & ~std::uintptr_t{63});
  }
};

// ---- inline ---------------------------------------------------------------------------------------------------------

context host, guest;

void inline_guest(void* /*unused*/) noexcept {
  for (;;) switch_context(guest, host);
}
void inline_switch(State& state) {
  const stack_memory stack;
  make_context(guest, stack.top(), inline_guest, nullptr);
  both_ways(state, [] { switch_context(host, guest); });
}

void integer_guest(void* /*unused*/) noexcept {
  for (;;) switch_registers(guest, host);
}
void integer_half(State& state) {
  const stack_memory stack;
  make_context(guest, stack.top(), integer_guest, nullptr);
  both_ways(state, [] { switch_registers(host, guest); });
}

// ---- out of line ----------------------------------------------------------------------------------------------------

void* host_sp = nullptr;
void* guest_sp = nullptr;

void naked_guest(void* /*unused*/) noexcept {
  for (;;) weft_switch(&guest_sp, host_sp, nullptr);
}
void naked_switch(State& state) {
  const stack_memory stack;
  guest_sp = make_naked_context(stack.top(), naked_guest);
  both_ways(state, [] { weft_switch(&host_sp, guest_sp, nullptr); });
}

void ret_guest(void* /*unused*/) noexcept {
  for (;;) weft_switch_ret(&guest_sp, host_sp, nullptr);
}
void ret_switch(State& state) {
  const stack_memory stack;
  guest_sp = make_ret_context(stack.top(), ret_guest);
  both_ways(state, [] { weft_switch_ret(&host_sp, guest_sp, nullptr); });
}

// The same from one call site: what a predicted `ret` would cost, and a library cannot demand.
[[gnu::noinline]] void ret_site(void** save, void* const* load, std::uint64_t n) {
  for (; n != 0; --n) weft_switch_ret(save, *load, nullptr);
}
void (*volatile const one_site)(void**, void* const*, std::uint64_t) = ret_site;  // no clone per caller
void ret_one_site_guest(void* /*unused*/) noexcept { one_site(&guest_sp, &host_sp, ~std::uint64_t{0}); }
void ret_one_site(State& state) {
  const stack_memory stack;
  guest_sp = make_ret_context(stack.top(), ret_one_site_guest);
  while (state.KeepRunningBatch(2 * batch)) one_site(&host_sp, &guest_sp, batch);
}

// ---- coroutines -----------------------------------------------------------------------------------------------------

void weft_coroutine(State& state) {
  weft::coroutine other{[](weft::coroutine& self) {
    for (;;) self.yield();
  }};
  both_ways(state, [&] { other.resume(); });
}

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
  for (;;) co_await std::suspend_always{};
}
void cpp_coroutine(State& state) {
  const stackless other = stackless_guest();
  both_ways(state, [&] { other.handle.resume(); });
  other.handle.destroy();
}

}  // namespace

void add_switches() {
  benchmark::RegisterBenchmark("switch/weft inline", inline_switch);
  benchmark::RegisterBenchmark("switch/weft inline, integer half", integer_half);
  benchmark::RegisterBenchmark("switch/weft out of line", naked_switch);
  benchmark::RegisterBenchmark("switch/weft out of line, ret", ret_switch);
  benchmark::RegisterBenchmark("switch/weft out of line, ret, one call site", ret_one_site);
  benchmark::RegisterBenchmark("switch/weft::coroutine", weft_coroutine);
  benchmark::RegisterBenchmark("switch/C++20 coroutine", cpp_coroutine);
}

}  // namespace micro
