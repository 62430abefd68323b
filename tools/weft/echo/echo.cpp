// A fiber per connection: read, write the same, again, until the client ends its stream.
#include "echo/echo.hpp"

#include <array>    // array
#include <cstddef>  // byte
#include <span>     // span

#include <weft/base/atomic.hpp>  // atomic

#include "common/live_connections.hpp"  // live_connections

namespace weft::tool {
namespace {

class echo_service final : public stream_service {
 public:
  explicit echo_service(std::chrono::milliseconds idle) noexcept : idle_(idle) {}

  void serve(any_stream& client) override {
    const guest here{live_, client->native_handle()};
    client->set_timeout(idle_);
    std::error_code error;
    // Looked at once: after a stop the client's stream ends where it is, so what came before is still given back.
    const bool ended = !here.welcome() || give_back(*client, error);
    if (ended) {
      client->shutdown_write(error);
    }
    if (error == std::errc::timed_out) {
      client.reset_on_close();
      count(idle_ended_);
    } else if (error) {
      client.reset_on_close();
      count(broken_);
    }
  }

  // The clients' streams end where they are: each fiber gives back what has come, and leaves.
  void begin_stop() override { live_.begin_stop(); }

  std::string report() const override {
    return "bytes " + text(bytes_) + ", idle " + text(idle_ended_) + ", broken " + text(broken_);
  }

 private:
  using counter = detail::atomic<std::uint64_t>;
  // relaxed: counts for reports only.
  static void count(counter& c, std::uint64_t n = 1) noexcept { c.fetch_add(n, detail::memory_order_relaxed); }
  static std::string text(const counter& c) { return std::to_string(c.load(detail::memory_order_relaxed)); }

  // In the list of the living, as somebody whom a stop may end at any time.
  class guest {
   public:
    guest(live_connections& in, int fd) : in_(in) {
      in_.add(entry_, fd);
      welcome_ = entry_.enter_idle();
    }
    ~guest() { in_.remove(entry_); }
    guest(const guest&) = delete;
    guest& operator=(const guest&) = delete;
    bool welcome() const noexcept { return welcome_; }

   private:
    live_connections& in_;
    live_connections::entry entry_;
    bool welcome_ = false;
  };

  // True: the client has ended its stream and has got all of it.
  bool give_back(any_stream::socket& client, std::error_code& error) {
    std::array<std::byte, std::size_t{16} << 10> buffer;
    for (;;) {
      const std::size_t n = client.read_some(buffer, error);
      if (error || n == 0) {
        return !error;
      }
      for (std::span<const std::byte> rest{buffer.data(), n}; !rest.empty();) {
        const std::size_t taken = client.write_some(rest, error);
        if (error) {
          return false;
        }
        count(bytes_, taken);
        rest = rest.subspan(taken);
      }
    }
  }

  std::chrono::milliseconds idle_;
  live_connections live_;
  counter bytes_{0}, idle_ended_{0}, broken_{0};
};

}  // namespace

int echo(const stream_server_options& options) {
  echo_service service{options.idle};
  return serve_streams(options, "echoing", 1, service);
}

}  // namespace weft::tool
