/// \file   weft/debug/dump.hpp
/// \brief  All fibers of the process, from inside: what each does or waits for, and for how long.
#pragma once
#include <iosfwd>  // ostream

#include <weft/base/config.hpp>  // WEFT_EXPORT

namespace weft::inline v0::debug {

/// Writes how many fibers there are, of all runtimes, and groups of those that do the same: their state, what they wait for
/// and for how long, where they were spawned (an offset into the program or library, for addr2line), and the names of some.
///
/// Nothing is stopped and no lock is taken: fibers go on meanwhile, and each is shown as it was at some moment of the call.
/// One that starts or ends meanwhile may be missing.
/// Threads: any, in a fiber or not. Suspends only if writing to `out` does. Takes about a hundred bytes of memory for each
/// fiber. \throws std::bad_alloc, and what `out` throws
WEFT_EXPORT void dump(std::ostream& out);

}  // namespace weft::inline v0::debug
