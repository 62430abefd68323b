// Where the calling worker keeps its poller.
#include "sched/poller.hpp"

#include <utility>  // move

#include "sched/runtime_impl.hpp"
#include "sched/worker.hpp"

namespace weft::inline v0::detail {

poller* current_poller() noexcept { return current_worker()->descriptors.get(); }
void install_poller(std::unique_ptr<poller> p) noexcept { current_worker()->descriptors = std::move(p); }
io_backend current_io_backend() noexcept { return current_worker()->rt->options.io; }
bool on_worker() noexcept { return current_worker() != nullptr; }

}  // namespace weft::inline v0::detail
