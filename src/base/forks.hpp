// Telling a process from one that fork() has made of it. The child has one thread and a copy of everything: workers and
// pollers are there and nobody runs them, while rings and epoll sets are the very ones of the parent.
#pragma once

namespace weft::inline v0::detail {

// How many calls of fork() lie between the first call of this function and now, in the line of this process. Whoever was
// made at another count is a copy. (vfork, posix_spawn and clone do not count: what they make calls exec at once.)
unsigned forks_passed() noexcept;

}  // namespace weft::inline v0::detail
