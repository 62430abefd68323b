// The real system calls behind src/stack/os.hpp.
#include "stack/os.hpp"

#include <cerrno>         // errno
#include <cstdlib>        // strtoul
#include <fcntl.h>        // open
#include <sys/syscall.h>  // SYS_pidfd_open, SYS_process_madvise
#include <unistd.h>       // access, read, close, syscall

#include <weft/base/atomic.hpp>

namespace weft::inline v0::detail {
namespace {

int result(int status) noexcept { return status == 0 ? 0 : errno; }

int real_map(std::size_t bytes, int protection, void*& out) noexcept {
  // Never MAP_GROWSDOWN: it may eat the guard below and grows without leave.
  void* const at = ::mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) {
    return errno;
  }
  out = at;
  return 0;
}

int real_unmap(void* address, std::size_t bytes) noexcept { return result(::munmap(address, bytes)); }

int real_remap(void* address, std::size_t bytes, std::size_t larger, void*& out) noexcept {
  void* const at = ::mremap(address, bytes, larger, MREMAP_MAYMOVE);
  if (at == MAP_FAILED) {
    return errno;
  }
  out = at;
  return 0;
}

int real_protect(void* address, std::size_t bytes, int protection) noexcept {
  return result(::mprotect(address, bytes, protection));
}

int real_advise(void* address, std::size_t bytes, int advice) noexcept {
  return result(::madvise(address, bytes, advice));
}

int real_advise_many(const iovec* ranges, std::size_t count, int advice, std::size_t& advised) noexcept {
  advised = 0;
  // A descriptor for each batch: one kept would name the parent after a fork, and a program that closes all
  // descriptors would leave its number to somebody else. The two extra calls are shared by the whole batch.
  const long self = ::syscall(SYS_pidfd_open, ::getpid(), 0);
  if (self < 0) {
    return errno;
  }
  const long done = ::syscall(SYS_process_madvise, self, ranges, count, advice, 0);
  const int error = done < 0 ? errno : 0;
  ::close(static_cast<int>(self));  // cannot fail for a process descriptor
  advised = done < 0 ? 0 : static_cast<std::size_t>(done);
  return error;
}

int real_unlock(void* address, std::size_t bytes) noexcept { return result(::munlock(address, bytes)); }

int real_residency(void* address, std::size_t bytes, unsigned char* pages) noexcept {
  return result(::mincore(address, bytes, pages));
}

int real_read_by_kernel(const void* address) noexcept {
  return result(::access(static_cast<const char*>(address), F_OK));  // the kernel copies the path from `address`
}

std::size_t real_max_mappings() noexcept {
  constexpr std::size_t kernel_default = 65530;
  const int file = ::open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    return kernel_default;
  }
  char text[32] = {};
  const ssize_t got = ::read(file, text, sizeof text - 1);
  ::close(file);  // read only: nothing to lose
  const std::size_t value = got > 0 ? std::strtoul(text, nullptr, 10) : 0;
  return value != 0 ? value : kernel_default;
}

constinit atomic<const os_calls*> replacement{nullptr};

}  // namespace

const os_calls real_os = {real_map,         real_unmap,  real_remap,     real_protect,        real_advise,
                          real_advise_many, real_unlock, real_residency, real_read_by_kernel, real_max_mappings};

const os_calls& os() noexcept {
  const os_calls* const calls = replacement.load(memory_order_acquire);  // pairs with set_os_for_tests()
  return calls != nullptr ? *calls : real_os;
}

void set_os_for_tests(const os_calls* calls) noexcept {
  replacement.store(calls, memory_order_release);  // pairs with os()
}

std::size_t advise_ranges(const iovec* ranges, std::size_t count, int advice, bool try_many, int& error) noexcept {
  std::size_t done = 0;
  error = 0;
  if (try_many && count > 1) {
    std::size_t advised = 0;
    // An error needs no look: whatever was not advised is tried singly below, which gives the reason to report.
    static_cast<void>(os().advise_many(ranges, count, advice, advised));
    while (done < count && advised >= ranges[done].iov_len) {
      advised -= ranges[done++].iov_len;
    }
  }
  while (done < count && (error = os().advise(ranges[done].iov_base, ranges[done].iov_len, advice)) == 0) {
    ++done;
  }
  return done;
}

}  // namespace weft::inline v0::detail
