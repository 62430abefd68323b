// What is done with a connection: connect to the target, join the two, count how it went.
#include "proxy/proxy.hpp"

#include <cstdio>  // fprintf

#include <weft/base/atomic.hpp>      // atomic
#include <weft/fiber/cancelled.hpp>  // cancelled

#include "proxy/relay.hpp"   // relay
#include "proxy/target.hpp"  // target

namespace weft::tool {
namespace {

class proxy_service final : public stream_service {
 public:
  explicit proxy_service(const proxy_options& options)
      : target_(options.target), connect_timeout_(options.connect_timeout), idle_(options.server.idle) {}

  void serve(any_stream& client) override {
    try {
      std::error_code error;
      any_stream other = target_.connect(std::chrono::steady_clock::now() + connect_timeout_, error);
      note_reachability(error);
      if (error) {
        count(unreachable_);
        return;
      }
      switch (relay(client, other, idle_, bytes_)) {
        case relay_end::both_ended:
          return;
        case relay_end::broken:
          return count(broken_);
        case relay_end::idle:
          return count(timed_out_);
      }
    } catch (const cancelled&) {
      count(cut_);
      throw;
    }
  }

  std::string report() const override {
    return "unreachable " + text(unreachable_) + ", broken " + text(broken_) + ", idle " + text(timed_out_) + ", cut " +
           text(cut_) + ", bytes to target " + text(bytes_.to_target) + ", bytes to client " + text(bytes_.to_client);
  }

  const std::string& target_name() const noexcept { return target_.name(); }

 private:
  using counter = detail::atomic<std::uint64_t>;
  // relaxed: counts for reports only.
  static void count(counter& c) noexcept { c.fetch_add(1, detail::memory_order_relaxed); }
  static std::string text(const counter& c) { return std::to_string(c.load(detail::memory_order_relaxed)); }

  // Says so when the target goes and when it is back, not for each connection.
  void note_reachability(const std::error_code& error) {
    const bool down = static_cast<bool>(error);
    if (down_.exchange(down, detail::memory_order_relaxed) == down) {  // relaxed: only which lines are printed
      return;
    }
    if (down) {
      std::fprintf(stderr, "weft: %s cannot be reached: %s\n", target_name().c_str(), error.message().c_str());
    } else {
      std::fprintf(stderr, "weft: %s is back\n", target_name().c_str());
    }
  }

  target target_;
  std::chrono::milliseconds connect_timeout_, idle_;
  relay_counters bytes_;
  counter unreachable_{0}, broken_{0}, timed_out_{0}, cut_{0};
  detail::atomic<bool> down_{false};
};

}  // namespace

int proxy(const proxy_options& options) {
  proxy_service service{options};
  return serve_streams(options.server, "passing on to " + service.target_name(), 2, service);
}

}  // namespace weft::tool
