// Who calls: an address that no other fiber and no other plain thread has at the same time.
#pragma once
#include "fiber/thread_parker.hpp"
#include "sched/worker.hpp"  // current_worker

namespace weft::inline v0::detail {

// Throws std::bad_alloc, the first time a plain thread calls it.
inline const void* this_caller() {
  if (const worker* w = current_worker(); w != nullptr)
    return w->current != nullptr ? static_cast<const void*>(w->current) : w;  // the scheduler runs destructors at times
  return &this_thread_parker();
}

}  // namespace weft::inline v0::detail
