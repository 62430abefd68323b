// Where fiber records come from: chunks of records owned by one worker, with remote free.
//
// A record's memory is never returned to the system: stale wakers, ids and handles that outlive their runtime may look
// at it for ever, and its generation tells them that it is gone. Pools are kept for the process and reused.
//
// All chunks of the process are in one list besides, which only grows: who wants to see every fiber (dumps, debuggers) walks
// it, at any time, without a lock. A record in it is that of a fiber unless `join` says finished or `ops` is null.
#pragma once
#include <cstddef>  // size_t
#include <cstdint>  // uint32_t

#include <weft/fiber/record.hpp>

namespace weft::inline v0::detail {

class record_pool {
 public:
  record_pool() noexcept = default;
  record_pool(const record_pool&) = delete;
  record_pool& operator=(const record_pool&) = delete;

  // Owner only. Null when the system has no memory.
  fiber_record* take() noexcept {
    fiber_record* r = free_;
    if (r == nullptr) [[unlikely]] {
      r = refill();
      if (r == nullptr) return nullptr;
    }
    free_ = r->next;
    return r;
  }
  // Owner only.
  void put(fiber_record& r) noexcept {
    r.next = free_;
    free_ = &r;
  }
  // Any thread.
  void put_remote(fiber_record& r) noexcept;

  static record_pool& of(const fiber_record& r) noexcept;

  // Calls visit(record) for each record ever made; the records may be in any state. Any thread.
  template <class Visit>
  void for_each(Visit&& visit) noexcept {
    for (chunk* c = chunks_.load(memory_order_seq_cst); c != nullptr; c = c->older) {  // pairs with refill()
      for (std::size_t i = 0; i < chunk::records; ++i) visit(c->at(i));
    }
  }

  // The same for all pools of the process, those that nobody uses any more included.
  template <class Visit>
  static void for_each_of_all(Visit&& visit) {
    for (chunk* c = newest_.load(memory_order_acquire); c != nullptr; c = c->made_before) {  // pairs with make_known()
      for (std::size_t i = 0; i < chunk::records; ++i) visit(c->at(i));
    }
  }

  record_pool* next_pool = nullptr;  // link of whoever keeps idle pools

  struct alignas(128) chunk {
    static constexpr std::size_t bytes = std::size_t{64} * 1024;
    static constexpr std::size_t records = bytes / sizeof(fiber_record) - 1;  // the first place is this header
    record_pool* pool;
    chunk* older;
    chunk* made_before = nullptr;  // the list of all chunks
    std::uint32_t number = 0;      // in that list, from 0: with its place in the chunk a record has a number for life
    fiber_record& at(std::size_t i) noexcept { return reinterpret_cast<fiber_record*>(this)[i + 1]; }
  };
  static_assert(sizeof(chunk) == sizeof(fiber_record));

  // Where the list of all chunks begins: for debuggers.
  static constexpr const void* list_of_all() noexcept { return &newest_; }

 private:
  fiber_record* refill() noexcept;
  chunk* add_chunk() noexcept;
  static void make_known(chunk& c) noexcept;

  static constinit atomic<chunk*> newest_;

  fiber_record* free_ = nullptr;
  std::byte* region_ = nullptr;  // rest of the mapping that chunks are cut from
  std::size_t region_left_ = 0;
  std::size_t next_region_ = std::size_t{256} * 1024;
  atomic<chunk*> chunks_{nullptr};                                  // newest first; append-only
  alignas(WEFT_CACHE_LINE) atomic<fiber_record*> remote_{nullptr};  // records freed by others, newest first
};

}  // namespace weft::inline v0::detail
