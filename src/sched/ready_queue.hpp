// The local ready queue: started fibers of one worker, FIFO, plain memory.
//
// A ring of addresses and not a linked list: with many fibers each record, each stack top and each page-table entry is a
// cache miss, and only an array lets pop() ask for them many switches ahead. Room is reserved when a fiber starts, where
// a failure can be dealt with, so that push() cannot fail.
#pragma once
#include <bit>      // bit_ceil
#include <cstddef>  // size_t
#include <memory>   // unique_ptr
#include <new>      // nothrow
#include <utility>  // move

#include <weft/base/cpu.hpp>  // prefetch_line
#include <weft/fiber/record.hpp>

namespace weft::inline v0::detail {

class ready_queue {
 public:
  bool empty() const noexcept { return head_ == tail_; }
  std::size_t size() const noexcept { return tail_ - head_; }

  // Makes room for `count` fibers in all. False: no memory, nothing changed.
  bool reserve(std::size_t count) noexcept { return count <= capacity_ || grow(count); }
  std::size_t capacity() const noexcept { return capacity_; }
  static std::size_t capacity_for(std::size_t count) noexcept { return std::bit_ceil(count < 64 ? 64 : count); }

  // \pre no more fibers than reserved
  void push(fiber_record& r) noexcept { slots_[tail_++ & (capacity_ - 1)] = &r; }

  fiber_record* pop() noexcept {
    if (head_ == tail_) return nullptr;
    fiber_record* const r = slots_[head_ & (capacity_ - 1)];
    ++head_;
    prefetch();
    return r;
  }

  // The n-th from the front, 0-based.
  const fiber_record& peek(std::size_t n) const noexcept { return *slots_[(head_ + n) & (capacity_ - 1)]; }
  // Takes it out; for schedules drawn from a seed. O(n).
  fiber_record* pop_at(std::size_t n) noexcept {
    fiber_record* const r = at(head_ + n);
    for (std::size_t i = head_ + n; i != head_; --i) at(i) = at(i - 1);
    ++head_;
    return r;
  }

 private:
  // In pops: a miss to memory with its page walk takes as long as some ten switches. Picked by yields among 100,000 fibers.
  static constexpr std::size_t record_ahead = 16;
  static constexpr std::size_t stack_ahead = 8;

  fiber_record*& at(std::size_t i) noexcept { return slots_[i & (capacity_ - 1)]; }

  void prefetch() noexcept {
    const std::size_t left = tail_ - head_;
    if (left <= stack_ahead) return;  // few fibers: all is in the cache
    const auto* const sp = static_cast<const std::byte*>(at(head_ + stack_ahead)->ctx.sp);
    prefetch_line(sp);
    prefetch_line(sp + WEFT_CACHE_LINE);
    prefetch_line(sp + 2 * WEFT_CACHE_LINE);
    if (left > record_ahead) prefetch_line(at(head_ + record_ahead));
  }

  [[gnu::noinline]] bool grow(std::size_t count) noexcept {
    const std::size_t larger = capacity_for(count);
    std::unique_ptr<fiber_record*[]> slots(new (std::nothrow) fiber_record*[larger]);
    if (slots == nullptr) return false;
    for (std::size_t i = head_; i != tail_; ++i) slots[i & (larger - 1)] = at(i);
    slots_ = std::move(slots);
    capacity_ = larger;
    return true;
  }

  std::unique_ptr<fiber_record*[]> slots_;
  std::size_t capacity_ = 0;  // a power of two
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
};

}  // namespace weft::inline v0::detail
