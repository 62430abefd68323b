// A scope with two fibers, one for each direction; the connection's own fiber watches the time.
#include "proxy/relay.hpp"

#include <cstddef>  // byte
#include <memory>   // make_unique_for_overwrite
#include <span>     // span

#include <weft/sync/wait_group.hpp>  // wait_group
#include <weft/task/scope.hpp>       // scope

namespace weft::tool {
namespace {

using std::chrono::steady_clock;

// When something last moved, in either direction.
class activity {
 public:
  // relaxed: a time alone, which carries nothing else; a watcher that sees an old one looks again.
  void touch() noexcept { last_.store(steady_clock::now().time_since_epoch().count(), detail::memory_order_relaxed); }
  steady_clock::time_point last() const noexcept {
    return steady_clock::time_point{
        steady_clock::duration{last_.load(detail::memory_order_relaxed)}};  // relaxed: as above
  }

 private:
  detail::atomic<steady_clock::rep> last_{steady_clock::now().time_since_epoch().count()};
};

class direction {
 public:
  direction(any_stream& from, any_stream& to, detail::atomic<std::uint64_t>& bytes)
      : from_(from), to_(to), bytes_(bytes) {}
  // Whoever was not told the end of the stream learns from the close that it was cut.
  ~direction() {
    if (!ended_) {
      to_.reset_on_close();
    }
  }
  direction(const direction&) = delete;
  direction& operator=(const direction&) = delete;

  void run(scope& both, activity& moved) {
    std::error_code error;
    for (;;) {
      const std::size_t n = from_->read_some({buffer_.get(), buffer_bytes}, error);
      if (error) {
        both.request_stop();  // a side that cannot be read is gone: what the other one sends has nobody to go to
        return;
      }
      moved.touch();
      if (n == 0) {
        to_->shutdown_write(error);
        ended_ = !error;
        return;
      }
      for (std::span<const std::byte> rest{buffer_.get(), n}; !rest.empty();) {
        const std::size_t taken = to_->write_some(rest, error);
        if (error) {
          return;  // the other direction goes on: a side that takes no more may still have something to say
        }
        moved.touch();
        bytes_.fetch_add(taken, detail::memory_order_relaxed);  // relaxed: a count for reports
        rest = rest.subspan(taken);
      }
    }
  }
  bool ended() const noexcept { return ended_; }

 private:
  static constexpr std::size_t buffer_bytes = std::size_t{32} << 10;
  any_stream& from_;
  any_stream& to_;
  detail::atomic<std::uint64_t>& bytes_;
  std::unique_ptr<std::byte[]> buffer_ = std::make_unique_for_overwrite<std::byte[]>(buffer_bytes);
  bool ended_ = false;
};

// Counts a direction as done, however its fiber ends.
struct done_at_end {
  wait_group& group;
  ~done_at_end() { group.done(); }
};

}  // namespace

relay_end relay(any_stream& client, any_stream& target, std::chrono::milliseconds idle, relay_counters& counters) {
  activity moved;
  wait_group running;
  direction up{client, target, counters.to_target};
  direction down{target, client, counters.to_client};
  bool timed_out = false;
  {
    scope both;
    for (direction* one : {&up, &down}) {
      running.add();
      both.spawn(fiber_options{.name = one == &up ? "to target" : "to client"}, [&, one] {
        const done_at_end end{running};
        one->run(both, moved);
      });
    }
    while (!running.wait_until(moved.last() + idle)) {
      if (steady_clock::now() >= moved.last() + idle) {
        timed_out = true;
        both.request_stop();
        break;
      }
    }
  }
  if (up.ended() && down.ended()) {
    return relay_end::both_ended;
  }
  return timed_out ? relay_end::idle : relay_end::broken;
}

}  // namespace weft::tool
