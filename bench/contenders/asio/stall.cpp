// Echoing coroutines beside one that computes without yielding.
#include <array>   // a message
#include <atomic>  // the end

#include "contenders/asio/runtime.hpp"
#include "contenders/asio/workloads.hpp"
#include "contenders/common/asker.hpp"

namespace contenders::on_asio {
namespace {

using stream = asio::basic_stream_socket<asio::local::stream_protocol, executor>;

coroutine<> echo(stream end) {
  std::array<char, stall_message_bytes> message;
  for (std::error_code error; !error;) {
    const std::size_t got =
        co_await end.async_read_some(asio::buffer(message), asio::redirect_error(use_coroutine, error));
    if (got > 0) co_await asio::async_write(end, asio::buffer(message, got), use_coroutine);
  }
}

coroutine<> compute_again_and_again(executor on, const std::atomic<bool>& over) {
  timer next(on);
  for (auto at = timer::clock_type::now(); !over; at += stall_computes_every) {
    next.expires_at(at);
    co_await next.async_wait(use_coroutine);
    compute(stall_computes);
  }
}

}  // namespace

figures stall(const options& o) {
  asker asking(o.size_or(stall_connections));
  asio::io_context context(static_cast<int>(o.workers));
  for (const int end : asking.server_ends()) {
    start(context, echo(stream(context.get_executor(), asio::local::stream_protocol(), end)));
  }
  std::atomic<bool> over{false};
  start(context, compute_again_and_again(context.get_executor(), over));
  figures result;
  {
    const kept_running workers(context, o.workers);
    asking.start();
    result = asking.finish();
    over = true;
  }
  return result;
}

}  // namespace contenders::on_asio
