// Guards of worker threads.
#include "sched/worker_thread.hpp"

#include <optional>   // the key, if there is one
#include <pthread.h>  // keys, pthread_atfork, pthread_setcancelstate
#include <unistd.h>   // gettid

#include "base/check.hpp"
#include "fiber/block.hpp"  // begin_no_suspend
#include "sched/runtime_impl.hpp"
#include "sched/worker.hpp"

namespace weft::inline v0::detail {
namespace {

// Called at the thread's end for a value that has not been taken away.
void on_early_end(void* /*guard*/) {
  fatal("the thread of a worker has ended inside a fiber, by pthread_exit: its other fibers would wait for ever");
}

std::optional<pthread_key_t> key() noexcept {
  static const std::optional<pthread_key_t> made = []() -> std::optional<pthread_key_t> {
    pthread_key_t k{};
    return ::pthread_key_create(&k, &on_early_end) == 0 ? std::optional(k) : std::nullopt;
  }();
  return made;
}

void forbid_suspension() noexcept {
  const worker* const w = current_worker();
  if (w == nullptr || w->current == nullptr || w->rt->driven)
    return;  // driven: the thread that is left runs the fibers
  begin_no_suspend(*w->current, "in a process that fork has made, in which no worker runs");
}

}  // namespace

worker_thread_guard::worker_thread_guard() noexcept {
  ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);  // fails only for a bad first argument
  if (const auto k = key(); k) ::pthread_setspecific(*k, this);
}

worker_thread_guard::~worker_thread_guard() {
  if (const auto k = key(); k) ::pthread_setspecific(*k, nullptr);
}

void forbid_suspension_in_children() noexcept {
  // Without memory for it nobody is told, as with forks_passed().
  [[maybe_unused]] static const int watching = ::pthread_atfork(nullptr, nullptr, &forbid_suspension);
}

int this_thread_number() noexcept { return ::gettid(); }

}  // namespace weft::inline v0::detail
