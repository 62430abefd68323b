// Scrubbing and the high-water mark, by mincore(2): a page of a stack that is resident has been touched.
#include "stack/scrub.hpp"

#include <algorithm>  // min
#include <cstring>    // memset
#include <new>        // placement new

#include "context/sanitizer.hpp"  // sanitizer_unpoison
#include "stack/os.hpp"           // residency, advise

namespace weft::inline v0::detail {
namespace {

constexpr std::size_t chunk_pages = 256;  // of residency asked for at once; the answer lies on the caller's stack

std::byte* slot_end(stack& s) noexcept { return s.slot + stack_slot_bytes(s.size_class); }

// Start of the run of resident pages that ends at `end`, at or above `low`. What lies below it may be in swap.
std::byte* resident_run(std::byte* low, std::byte* end) noexcept {
  unsigned char resident[chunk_pages];
  while (end > low) {
    const std::size_t bytes = std::min(chunk_pages * page_bytes, static_cast<std::size_t>(end - low));
    if (os().residency(end - bytes, bytes, resident) != 0) {
      return end;  // unknown: treated as not resident, so that it is given back
    }
    for (std::size_t page = bytes / page_bytes; page-- != 0; end -= page_bytes) {
      if ((resident[page] & 1) == 0) {
        return end;
      }
    }
  }
  return end;
}

void zero(stack& s) noexcept {
  sanitizer_unpoison(s.limit, s.usable_bytes());         // red zones of frames that were left without returning
  std::byte* const top_page = slot_end(s) - page_bytes;  // resident: it holds the header
  std::byte* const from = resident_run(s.limit, top_page);
  if (from > s.limit && os().advise(s.limit, static_cast<std::size_t>(from - s.limit), MADV_DONTNEED) != 0) {
    std::memset(s.limit, 0, static_cast<std::size_t>(from - s.limit));  // locked memory: it is all resident anyway
  }
  std::memset(from, 0, static_cast<std::size_t>(s.top() - from));
}

void drop(stack& s) noexcept {
  const stack header = s;
  if (os().advise(s.limit, static_cast<std::size_t>(slot_end(s) - s.limit), MADV_DONTNEED) != 0) {
    zero(s);
    return;
  }
  ::new (&s) stack(header);
}

}  // namespace

void scrub_stack(stack& s, stack_scrub how) noexcept {
  switch (how) {
    case stack_scrub::keep:
      return;
    case stack_scrub::zero:
      return zero(s);
    case stack_scrub::drop:
      return drop(s);
  }
}

std::size_t stack_high_water(stack& s) noexcept {
  unsigned char resident[chunk_pages];
  std::byte* const end = slot_end(s);
  for (std::byte* at = s.limit; at < end;) {
    const std::size_t bytes = std::min(chunk_pages * page_bytes, static_cast<std::size_t>(end - at));
    if (os().residency(at, bytes, resident) != 0) {
      return 0;  // unknown
    }
    for (std::size_t page = 0; page < bytes / page_bytes; ++page, at += page_bytes) {
      if ((resident[page] & 1) != 0) {
        return static_cast<std::size_t>(end - at);
      }
    }
  }
  return 0;
}

}  // namespace weft::inline v0::detail
