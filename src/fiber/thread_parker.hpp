// Parker of a plain OS thread: the same claim word as a fiber's, and a futex to sleep on.
// Pooled and never freed, because a waker may look at its word after the thread has ended.
#pragma once
#include <chrono>   // steady_clock
#include <cstdint>  // uint32_t

#include <weft/fiber/record.hpp>

namespace weft::inline v0::detail {

struct alignas(WEFT_CACHE_LINE) thread_parker {
  parker park;                         // bit `thread` is set for life
  atomic<std::uint32_t> delivered{0};  // 1: the claim was delivered; the thread resets it before each wait
  thread_parker* next = nullptr;       // free list
};

thread_parker& this_thread_parker();  // throws std::bad_alloc
void deliver_to_thread(thread_parker& p) noexcept;
// Sleeps until delivered or until `deadline`. \return false: the deadline passed.
bool sleep_until_delivered(thread_parker& p, std::chrono::steady_clock::time_point deadline) noexcept;

// The fiber whose blocking call the calling plain thread runs, and whose stop token it therefore shows; null: none.
fiber_record* blocking_caller() noexcept;
void set_blocking_caller(fiber_record* r) noexcept;

}  // namespace weft::inline v0::detail
