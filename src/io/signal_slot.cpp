// The handler, and who has it installed for which signals.
#include "io/signal_slot.hpp"

#include <cerrno>   // EINVAL, ENOMEM
#include <csignal>  // sigaction
#include <mutex>    // mutex, lock_guard
#include <new>      // nothrow

#include <sched.h>  // sched_yield

#include "io/os_process.hpp"

namespace weft::inline v0::detail {
namespace {

// Pushed to at the front and never taken from, so that the handler walks it without a lock.
atomic<signal_slot*> all_slots{nullptr};

// Guards the table and the dispositions of the process; never held across a suspension, nor by the handler.
std::mutex table_lock;
struct signal_use {
  unsigned slots = 0;  // that have the signal
  struct sigaction before {};
};
signal_use uses[last_signal + 1];

// Everything here is async-signal-safe, and errno is left as it was.
void note_signal(int signal) {
  // acquire: pairs with the release in new_slot(): the slot is whole
  for (signal_slot* slot = all_slots.load(memory_order_acquire); slot != nullptr; slot = slot->next) {
    // seq_cst: pairs with close_signal_slot(): it sees this visitor, or this sees that the signal is not wanted
    slot->visitors.fetch_add(1, memory_order_seq_cst);
    if ((slot->wanted.load(memory_order_seq_cst) & bit_of(signal)) != 0) {  // pairs with close_signal_slot()
      slot->counts[signal].fetch_add(1, memory_order_release);              // pairs with take()
      os::signal_eventfd(slot->eventfd);  // fails only when it is full, and then it is readable
    }
    slot->visitors.fetch_sub(1, memory_order_release);  // pairs with close_signal_slot(): the count comes before
  }
}

bool is_our_handler(const struct sigaction& action) noexcept {
  return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == &note_signal;
}

// \pre table_lock is held, for these three.
int install(int signal) noexcept {
  signal_use& use = uses[signal];
  if (use.slots == 0) {
    struct sigaction ours {};
    ours.sa_handler = &note_signal;
    ours.sa_flags = SA_RESTART | SA_ONSTACK;  // fibers' stacks are small
    ::sigfillset(&ours.sa_mask);
    if (const os::result r = os::set_disposition(signal, &ours, &use.before); !r.ok()) {
      return r.error;
    }
  }
  ++use.slots;
  return 0;
}

void uninstall(int signal) noexcept {
  signal_use& use = uses[signal];
  if (--use.slots != 0) {
    return;
  }
  struct sigaction now {};
  if (os::set_disposition(signal, nullptr, &now).ok() && is_our_handler(now)) {
    os::set_disposition(signal, &use.before, nullptr);  // it was accepted before
  }
}

signal_slot* new_slot(int& error) noexcept {
  // relaxed: pushed under table_lock
  for (signal_slot* slot = all_slots.load(memory_order_relaxed); slot != nullptr; slot = slot->next) {
    if (!slot->in_use) {
      return slot;
    }
  }
  const os::result made = os::make_eventfd();
  auto* slot = made.ok() ? new (std::nothrow) signal_slot : nullptr;
  if (slot == nullptr) {
    error = made.ok() ? ENOMEM : made.error;
    if (made.ok()) {
      os::close(made.fd());
    }
    return nullptr;
  }
  slot->eventfd = made.fd();
  slot->next = all_slots.load(memory_order_relaxed);  // relaxed: pushed under table_lock
  all_slots.store(slot, memory_order_release);        // pairs with note_signal()
  return slot;
}

void forget_all(signal_slot& slot) noexcept {
  while (slot.take() != 0) {
  }
  os::drain_eventfd(slot.eventfd);  // EAGAIN: there was nothing
}

// \pre table_lock is held.
void stop_noting(signal_slot& slot, std::uint64_t signals) noexcept {
  for (int s = 1; s <= last_signal; ++s) {
    if ((signals & bit_of(s)) != 0) {
      uninstall(s);
    }
  }
  slot.wanted.store(0, memory_order_seq_cst);  // pairs with note_signal(): no handler notes after the wait below
  // Handlers that run on other threads; one on this thread has ended. seq_cst: pairs with note_signal()
  while (slot.visitors.load(memory_order_seq_cst) != 0) {
    ::sched_yield();
  }
  forget_all(slot);
  slot.in_use = false;
}

}  // namespace

int signal_slot::take() noexcept {
  for (int s = 1; s <= last_signal; ++s) {
    std::uint32_t count = counts[s].load(memory_order_relaxed);  // relaxed: the exchange decides
    while (count != 0) {
      // acquire: pairs with note_signal(): what its thread did before the signal is visible; relaxed on failure: tried again
      if (counts[s].compare_exchange_weak(count, count - 1, memory_order_acquire, memory_order_relaxed)) {
        return s;
      }
    }
  }
  return 0;
}

signal_slot* open_signal_slot(std::uint64_t wanted, int& error) noexcept {
  const std::lock_guard held(table_lock);
  signal_slot* slot = new_slot(error);
  if (slot == nullptr) {
    return nullptr;
  }
  slot->in_use = true;
  slot->wanted.store(wanted, memory_order_seq_cst);  // pairs with note_signal(), which may run from install() on
  std::uint64_t installed = 0;
  for (int s = 1; s <= last_signal; ++s) {
    if ((wanted & bit_of(s)) == 0) {
      continue;
    }
    error = install(s);
    if (error != 0) {
      stop_noting(*slot, installed);
      return nullptr;
    }
    installed |= bit_of(s);
  }
  return slot;
}

void close_signal_slot(signal_slot& slot) noexcept {
  const std::lock_guard held(table_lock);
  stop_noting(slot, slot.wanted.load(memory_order_relaxed));  // relaxed: written under table_lock
}

}  // namespace weft::inline v0::detail
