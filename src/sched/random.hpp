// Chance for the library's own decisions (which ready case a select takes). Deterministic runtimes draw it from their
// seed, so that a failing order can be replayed; not for anything that must be unpredictable.
#pragma once
#include <cstddef>  // size_t

#include "sched/worker.hpp"  // worker

namespace weft::inline v0::detail {

// 0 .. n-1, each as likely as the others but for 2^-32. `here` is the calling worker, null on a plain thread. \pre n > 0
std::size_t random_below(std::size_t n, worker* here) noexcept;

}  // namespace weft::inline v0::detail
