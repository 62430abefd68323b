// Two streams joined: what comes from one goes to the other, both ways at the same time, until both have ended.
#pragma once
#include <chrono>   // milliseconds
#include <cstdint>  // uint64_t

#include <weft/base/atomic.hpp>  // atomic

#include "common/any_stream.hpp"  // any_stream

namespace weft::tool {

struct relay_counters {
  detail::atomic<std::uint64_t> to_target{0}, to_client{0};  // bytes
};

enum class relay_end {
  both_ended,  // each side has said that no more will come, and the other has been told
  broken,      // reset, or a side that takes no more
  idle,        // nothing moved for too long
};

// Both must be new. The end of one direction is passed on as the end of that direction (a half-close), and the other goes on. A
// stream that was cut short is never passed on as one that has ended: close is a reset then.
// \throws weft::cancelled, after which close is a reset, too; std::bad_alloc, std::system_error before anything has moved
relay_end relay(any_stream& client, any_stream& target, std::chrono::milliseconds idle, relay_counters& counters);

}  // namespace weft::tool
