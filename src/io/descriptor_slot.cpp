// The pool of descriptor slots, closing, and what an event does to a slot.
#include "io/descriptor_slot.hpp"

#include <memory>        // unique_ptr
#include <system_error>  // system_error

#include "io/epoll_backend.hpp"
#include "io/os.hpp"
#include "sched/hot_path.hpp"  // deliver_inline
#include <weft/base/atomic.hpp>

namespace weft::inline v0::detail {

unsigned waiter_queue::size() const noexcept {
  unsigned n = 0;
  for (const waiter* w = head_; w != nullptr; w = w->next) {
    ++n;
  }
  return n;
}

namespace {

// Slots lie in chunks that are published once and stay: an event finds its slot without a lock.
constexpr std::uint32_t chunk_slots = 512;
constexpr std::uint32_t chunk_count = 8192;  // 4 million descriptors, above the kernel's usual fs.nr_open

struct slot_pool {
  spin_lock lock;
  descriptor_slot* free = nullptr;  // guarded by lock; last in, first out: the warmest slot
  atomic<descriptor_slot*> chunks[chunk_count] = {};
  atomic<std::uint32_t> chunks_used{0};
};
slot_pool pool;

descriptor_slot* take_free_slot() noexcept {
  pool.lock.lock();
  descriptor_slot* slot = pool.free;
  if (slot != nullptr) {
    pool.free = slot->next_free;
  }
  pool.lock.unlock();
  return slot;
}

void put_free_slot(descriptor_slot& slot) noexcept {
  pool.lock.lock();
  slot.next_free = pool.free;
  pool.free = &slot;
  pool.lock.unlock();
}

// Publishes a new chunk and keeps its first slot for the caller.
descriptor_slot* grow() {
  auto fresh = std::make_unique<descriptor_slot[]>(chunk_slots);
  pool.lock.lock();
  const std::uint32_t chunk = pool.chunks_used.load(memory_order_relaxed);  // relaxed: written under pool.lock only
  if (chunk == chunk_count) {
    pool.lock.unlock();
    throw std::system_error(std::make_error_code(std::errc::too_many_files_open_in_system), "weft descriptor table");
  }
  for (std::uint32_t i = 0; i < chunk_slots; ++i) {
    fresh[i].index = chunk * chunk_slots + i;
    if (i != 0) {
      fresh[i].next_free = pool.free;
      pool.free = &fresh[i];
    }
  }
  descriptor_slot* first = fresh.release();
  pool.chunks[chunk].store(first, memory_order_release);    // pairs with slot_at
  pool.chunks_used.store(chunk + 1, memory_order_release);  // pairs with detach_all_from
  pool.lock.unlock();
  return first;
}

descriptor_slot& slot_at(std::uint32_t index) noexcept {
  return pool.chunks[index / chunk_slots].load(memory_order_acquire)[index % chunk_slots];  // pairs with grow
}

}  // namespace

namespace {

// The token goes to the first waiter that can be claimed, who is to be delivered; null: there is none, it stays.
waiter* grant(descriptor_slot& slot, direction d) noexcept {
  waiter_queue& waiters = slot.of(d).waiters;
  while (!waiters.empty()) {
    if (waiter* const w = waiters.pop(); w->claim_inline(wake::notified)) return w;
  }
  slot.ready_in(d) = true;
  return nullptr;
}

}  // namespace

bool claim_first(waiter_queue& waiters, wake why, waiter_queue& claimed) noexcept {
  while (waiter* w = waiters.pop()) {
    if (w->claim(why)) {
      claimed.push(*w);
      w->linked = false;  // the owner's side of `linked` means the slot's queue
      return true;
    }
  }
  return false;
}

void deliver_all(waiter_queue& claimed) noexcept {
  while (waiter* w = claimed.pop()) {
    deliver(*w);
  }
}

descriptor_handle open_descriptor(int fd, sharing shared, bool ready) {
  descriptor_slot* slot = take_free_slot();
  if (slot == nullptr) {
    slot = grow();
  }
  slot->lock.lock();  // a late event of the former generation may be looking
  slot->fd = fd;
  slot->shared = shared;
  slot->hung_up = false;
  slot->ready_in(direction::read) = ready;
  slot->ready_in(direction::write) = ready;
  const descriptor_handle handle{slot, slot->generation};
  slot->lock.unlock();
  return handle;
}

std::error_code leave_and_unlock(descriptor_slot& slot) noexcept {
  if (--slot.users != 0 || !slot.closing) {
    slot.lock.unlock();
    return {};
  }
  const int fd = slot.fd;
  slot.fd = -1;
  slot.closing = false;
  ++slot.generation;  // from here on handles and events of the old use find nothing
  slot.lock.unlock();
  put_free_slot(slot);
  const os::result r = os::close(fd);
  return r.ok() ? std::error_code{} : std::error_code(r.error, std::system_category());
}

std::error_code close_descriptor(descriptor_handle handle) noexcept {
  if (handle.slot == nullptr) {
    return {};
  }
  descriptor_slot& slot = *handle.slot;
  slot.lock.lock();
  if (slot.generation != handle.generation || slot.closing) {
    slot.lock.unlock();
    return {};
  }
  slot.closing = true;
  ++slot.users;  // keeps the number ours until it has left the epoll set
  epoll_set* set = slot.set;
  slot.set = nullptr;
  waiter_queue claimed;
  for (auto& side : slot.sides) {
    while (claim_first(side.waiters, wake::closed, claimed) || claim_first(side.performing, wake::closed, claimed)) {
    }
  }
  thread_waker* threads = slot.threads;
  slot.threads = nullptr;
  for (thread_waker* t = threads; t != nullptr; t = t->next) {
    t->linked = false;
  }
  const int fd = slot.fd;
  slot.lock.unlock();

  deliver_all(claimed);
  while (threads != nullptr) {
    thread_waker& t = *threads;
    threads = t.next;  // read first: once signalled, the waker belongs to its thread again
    signal_thread_waker(t);
  }
  if (set != nullptr) {
    set->remove(fd);  // explicitly: a duplicate in a child process would keep the registration alive
    set->unref();
  }
  slot.lock.lock();
  return leave_and_unlock(slot);
}

void on_descriptor_event(std::uint32_t index, std::uint32_t generation, std::uint32_t events, worker* here) noexcept {
  descriptor_slot& slot = slot_at(index);
  waiter* claimed[2] = {nullptr, nullptr};
  slot.lock.lock();
  if (slot.generation == generation && !slot.closing) {
    const bool over = (events & (EPOLLERR | EPOLLHUP)) != 0;  // both directions' calls will say what
    slot.hung_up |= over || (events & (EPOLLRDHUP | EPOLLPRI)) != 0;
    if (over || (events & (EPOLLIN | EPOLLRDHUP | EPOLLPRI)) != 0) claimed[0] = grant(slot, direction::read);
    if (over || (events & EPOLLOUT) != 0) claimed[1] = grant(slot, direction::write);
  }
  slot.lock.unlock();
  chaos_delay();
  for (waiter* const w : claimed) {
    if (w != nullptr) deliver_inline(*w, here);
  }
}

unsigned count_waiting(int fd) noexcept {
  const std::uint32_t slots = pool.chunks_used.load(memory_order_acquire) * chunk_slots;  // pairs with grow
  unsigned n = 0;
  for (std::uint32_t index = 0; index < slots; ++index) {
    descriptor_slot& slot = slot_at(index);
    slot.lock.lock();
    if (slot.fd == fd) {
      for (const auto& side : slot.sides) {
        n += side.waiters.size() + side.performing.size();
      }
    }
    slot.lock.unlock();
  }
  return n;
}

slot_usage count_slots() noexcept {
  pool.lock.lock();
  const std::uint32_t made =
      pool.chunks_used.load(memory_order_relaxed) * chunk_slots;  // relaxed: written under pool.lock
  std::uint32_t free = 0;
  for (const descriptor_slot* slot = pool.free; slot != nullptr; slot = slot->next_free) {
    ++free;
  }
  pool.lock.unlock();
  return {made, made - free};
}

void detach_all_from(epoll_set& set) noexcept {
  const std::uint32_t slots = pool.chunks_used.load(memory_order_acquire) * chunk_slots;  // pairs with grow
  for (std::uint32_t index = 0; index < slots; ++index) {
    descriptor_slot& slot = slot_at(index);
    waiter_queue claimed;
    slot.lock.lock();
    const bool ours = slot.set == &set;
    if (ours) {
      ++slot.users;  // keeps the number ours until it has left the set
      slot.set = nullptr;
      slot.ready_in(direction::read) = true;
      slot.ready_in(direction::write) = true;
      for (auto& side : slot.sides) {
        while (claim_first(side.waiters, wake::notified, claimed)) {
        }
      }
    }
    const int fd = slot.fd;
    slot.lock.unlock();
    if (ours) {
      set.remove(fd);  // before anyone registers it with this set again, for a later runtime
      set.unref();
      deliver_all(claimed);
      slot.lock.lock();
      leave_and_unlock(slot);
    }
  }
}

}  // namespace weft::inline v0::detail
