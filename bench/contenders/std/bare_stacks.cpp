// The loop that does no more than stacks need: map once, open and guard by the batch, touch each top page. Nothing runs
// on them; it is what the kernel takes, with guards, for memory that is to be there when a fiber begins.
#include <cstddef>        // size_t, byte
#include <memory>         // unique_ptr
#include <sys/mman.h>     // mmap
#include <sys/syscall.h>  // SYS_pidfd_open, SYS_process_madvise
#include <sys/uio.h>      // iovec
#include <unistd.h>       // syscall, getpid

#include "contenders/common/errors.hpp"
#include "contenders/common/parked.hpp"
#include "contenders/common/processor_time.hpp"
#include "contenders/common/program.hpp"
#include "contenders/common/stopwatch.hpp"
#include "contenders/std/workloads.hpp"

namespace contenders::bare {
namespace {

constexpr std::size_t page = 4096, batch = 64, slot_preset = std::size_t{256} * 1024, guard = std::size_t{64} * 1024;
constexpr int guard_install = 102;  // MADV_GUARD_INSTALL, of Linux 6.13 and later headers

// Guards many ranges by one call where the kernel can (6.13), by a call each otherwise.
class guarding {
 public:
  guarding() : process_(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0))) {}
  ~guarding() {
    if (process_ >= 0) ::close(process_);
  }
  guarding(const guarding&) = delete;
  guarding& operator=(const guarding&) = delete;

  void install(const iovec* ranges, std::size_t count) {
    if (process_ >= 0 && at_once_) {
      const auto bytes = ::syscall(SYS_process_madvise, process_, ranges, count, guard_install, 0);
      if (bytes == static_cast<ssize_t>(count * ranges->iov_len)) return;
      at_once_ = false;
    }
    for (std::size_t k = 0; k < count; ++k) {
      if (::madvise(ranges[k].iov_base, ranges[k].iov_len, guard_install) != 0) {
        throw unavailable("bare: this kernel has no MADV_GUARD_INSTALL");
      }
    }
  }

 private:
  int process_;
  bool at_once_ = true;
};

class stacks {
 public:
  stacks(std::size_t n, std::size_t slot) : bytes_((n + batch) * slot) {
    at_ =
        static_cast<std::byte*>(::mmap(nullptr, bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (at_ == MAP_FAILED) throw unavailable("bare: so much address space cannot be had");
    guarding guards;
    for (std::size_t i = 0; i < n; i += batch) open(guards, i, std::min(batch, n - i), slot);
  }
  ~stacks() { ::munmap(at_, bytes_); }
  stacks(const stacks&) = delete;
  stacks& operator=(const stacks&) = delete;

 private:
  void open(guarding& guards, std::size_t first, std::size_t touched, std::size_t slot) {
    std::byte* const begin = at_ + first * slot;
    needed(::mprotect(begin, batch * slot, PROT_READ | PROT_WRITE), "mprotect");
    iovec ranges[batch];
    for (std::size_t k = 0; k < batch; ++k) ranges[k] = {begin + k * slot, std::min(guard, slot / 4)};
    guards.install(ranges, batch);
    for (std::size_t k = 0; k < touched; ++k) {
      *reinterpret_cast<volatile std::byte*>(begin + (k + 1) * slot - 64) = std::byte{1};
    }
  }

  std::size_t bytes_;
  std::byte* at_;
};

std::size_t slot_of(const options& o) {
  need_one_worker(o);
  const std::size_t slot = o.stack_or(slot_preset);
  if (slot < 4 * page || slot % (4 * page) != 0) throw unavailable("bare: stacks are multiples of 16 KiB");
  return slot;
}

}  // namespace

// wake_us is what giving the memory back takes.
figures parked(const options& o) {
  const std::size_t size = o.size_or(10'000), slot = slot_of(o);
  if (o.has("warm")) throw unavailable("bare: it is never warm");
  parked_meter meter(size);
  {
    const stacks all(size, slot);
    meter.all_wait();
  }
  return meter.all_joined();
}

// Nobody sleeps: the time of the loop is what nobody can be less late by, unless stacks are made while others sleep.
figures sleepers(const options& o) {
  const std::size_t size = o.size_or(1'000'000), slot = slot_of(o);
  const double cpu = processor_s();
  const stopwatch watch;
  const auto all = std::make_unique<stacks>(size, slot);
  return {{"late_s", watch.s()}, {"cpu_s", processor_s() - cpu}};
}

}  // namespace contenders::bare
