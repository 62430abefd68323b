// A stack for tests of the switch alone, guarded below and given back with the object. Above its top lies what looks like
// return addresses: an unwinder that does not stop at the entry is led astray, and not by chance to a zero.
//
//   bottom(), top(), bytes()   for frames
//   lowest()                   where the memory begins, guard included
//   tsan_handle                ThreadSanitizer's fiber, kept with the memory
#pragma once

#if defined(_WIN32)
#include "support/windows_mapped_stack.hpp"
#else
#include "support/posix_mapped_stack.hpp"
#endif
