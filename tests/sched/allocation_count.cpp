// The C library's allocator, counted. Under a sanitizer, which has its own, that one tells of each block.
#include "allocation_count.hpp"

#include <cstddef>  // size_t

#include "context/sanitizer.hpp"  // WEFT_WITH_ASAN, WEFT_WITH_TSAN

namespace weft::testing {
namespace {
thread_local constinit std::uint64_t counted = 0;
void count() noexcept { ++counted; }
}  // namespace

std::uint64_t allocations_so_far() noexcept { return counted; }

}  // namespace weft::testing

#if defined(WEFT_WITH_ASAN) || defined(WEFT_WITH_TSAN) || defined(WEFT_WITH_MSAN)

// As in <sanitizer/allocator_interface.h>, which GCC does not bring along.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*allocated)(const volatile void*, std::size_t),
                                                         void (*freed)(const volatile void*));

namespace {
[[maybe_unused]] const int installed = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, std::size_t) { weft::testing::count(); }, [](const volatile void*) {});
}  // namespace

#else

// The GNU C library lets a program replace its allocator, and offers its own under these names. The replacement has to be
// seen from the shared libraries, where operator new is: everything else here is hidden.
#pragma GCC visibility push(default)
extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* block, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);

void* malloc(std::size_t bytes) {
  weft::testing::count();
  return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) {
  weft::testing::count();
  return __libc_calloc(count, bytes);
}
void* realloc(void* block, std::size_t bytes) {
  weft::testing::count();
  return __libc_realloc(block, bytes);
}
void* memalign(std::size_t alignment, std::size_t bytes) {
  weft::testing::count();
  return __libc_memalign(alignment, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  weft::testing::count();
  return __libc_memalign(alignment, bytes);
}
}
#pragma GCC visibility pop

#endif
