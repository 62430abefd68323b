// What the kernel says of this process's memory.
#pragma once

namespace contenders {

struct memory {
  double bytes;     // VmRSS + VmPTE: resident pages and the page tables over them
  double mappings;  // lines of /proc/self/maps
};

memory memory_now();

}  // namespace contenders
