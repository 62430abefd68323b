/// \file   weft/base/atomic.hpp
/// \brief  The only door to std::atomic. Lock-free protocols take `Atomics` as a template parameter, so that the code
///         that ships is the code that a model checker runs.
#pragma once
#include <atomic>  // atomic, memory_order

#include <weft/base/cpu.hpp>  // spin_pause

namespace weft::inline v0::detail {

template <class T>
using atomic = std::atomic<T>;

using std::memory_order_acq_rel;
using std::memory_order_acquire;
using std::memory_order_relaxed;
using std::memory_order_release;
using std::memory_order_seq_cst;

/// The policy of the shipped library: std::atomic. Model tests pass a policy of their own with the same members.
struct real_atomics {
  template <class T>
  using atomic = std::atomic<T>;
};

}  // namespace weft::inline v0::detail
