// The seam between the scheduler and descriptor readiness. One poller belongs to one worker, made when a fiber of that
// worker first waits for a descriptor; it runs on the scheduler's own stack, never on a fiber's.
#pragma once
#include <cstdint>  // int64_t
#include <memory>   // unique_ptr

#include <weft/sched/runtime.hpp>  // io_backend

namespace weft::inline v0::detail {

class poller {
 public:
  virtual ~poller() = default;
  // Collects events and claims+delivers their waiters. Blocks up to timeout_ns: 0 polls, negative waits without limit.
  // Returns early after wake(). Never throws; EINTR ends the call early.
  virtual void poll(std::int64_t timeout_ns) noexcept = 0;
  // Makes a poll() of the owner return soon; any thread, async-signal-safe. May be spurious.
  virtual void wake() noexcept = 0;
  // True while some descriptor is registered: an idle worker must then sleep in poll().
  virtual bool has_descriptors() const noexcept = 0;
  // The worker's thread polls no more: whoever waits here, fibers of other runtimes, is told to look for another poller.
  // Called by that thread as it ends; a later runtime's worker may use the poller again.
  virtual void retire() noexcept = 0;
};

// The poller of the calling worker, or null when none is installed. \pre called on a worker thread.
poller* current_poller() noexcept;
// Installs it for the calling worker; it stays with the worker's block, which later runtimes use.
void install_poller(std::unique_ptr<poller> p) noexcept;
// What the calling worker's runtime was asked to wait with. \pre called on a worker thread.
io_backend current_io_backend() noexcept;
// Why there is no io_uring in this process, as an errno; 0: there is. Of the io layer, for whoever insists on it.
int why_no_uring() noexcept;
// True when the calling thread is a worker of a runtime (a fiber is running on it).
bool on_worker() noexcept;

}  // namespace weft::inline v0::detail
