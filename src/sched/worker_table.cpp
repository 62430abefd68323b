// All worker blocks of the process: a table by number, and the pool of those no runtime uses.
#include <array>         // array
#include <mutex>         // lock_guard
#include <system_error>  // system_error

#include <weft/base/spin_lock.hpp>
#include "sched/worker.hpp"

namespace weft::inline v0::detail {
namespace {

constexpr std::size_t max_workers = 4096;

struct worker_table {
  std::array<atomic<worker*>, max_workers> at{};
  spin_lock lock{lock_rank::pool};
  std::size_t made = 0;
  worker* free = nullptr;
};
worker_table& table() noexcept {
  static auto* const instance = new worker_table;  // never destroyed: wakers may come late
  return *instance;
}

}  // namespace

worker& worker_at(std::uint16_t number) noexcept {
  return *table().at[number].load(memory_order_acquire);  // pairs with the store in acquire_worker()
}

worker& acquire_worker() {
  worker_table& t = table();
  const std::lock_guard guard(t.lock);
  if (worker* w = t.free; w != nullptr) {
    t.free = w->next_pooled;
    return *w;
  }
  if (t.made == max_workers) {
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                            "weft: 4096 workers are in use by the runtimes of this process");
  }
  auto* w = new worker;
  w->number = static_cast<std::uint16_t>(t.made);
  t.at[t.made++].store(w, memory_order_release);  // pairs with worker_at()
  return *w;
}

void release_worker(worker& w) noexcept {
  worker_table& t = table();
  const std::lock_guard guard(t.lock);
  w.next_pooled = t.free;
  t.free = &w;
}

}  // namespace weft::inline v0::detail
