// The join word of a record: who is told when the fiber ends.
//
// | value     | meaning                                             | set by                                      |
// |-----------|-----------------------------------------------------|---------------------------------------------|
// | 0         | running or not started, nobody waits                | spawn; a joiner that gave up                |
// | 1         | finished: result and outcome may be read            | the fiber, last touch of its record         |
// | 2         | detached: the fiber releases its own record         | handle                                      |
// | otherwise | packed waiter (address of its parker, generation)   | the joiner; the parker is never freed       |
#pragma once
#include <cstdint>  // uint64_t

namespace weft::inline v0::detail {

inline constexpr std::uint64_t join_running = 0;
inline constexpr std::uint64_t join_finished = 1;
inline constexpr std::uint64_t join_detached = 2;

}  // namespace weft::inline v0::detail
