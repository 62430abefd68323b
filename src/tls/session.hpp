// An engine and its transport: who may read, who may write, and in which order bytes leave.
#pragma once
#include <cstddef>       // byte, size_t
#include <cstdint>       // uint64_t
#include <memory>        // unique_ptr
#include <mutex>         // unique_lock
#include <span>          // span
#include <string>        // string
#include <system_error>  // error_code
#include <vector>        // vector

#include "tls/engine.hpp"
#include <weft/sync/condition_variable.hpp>
#include <weft/sync/mutex.hpp>
#include <weft/tls/transport.hpp>

namespace weft::inline v0::detail {

// Two turns, reading and writing the transport, each had by one fiber at a time; and a lock around the engine, which nobody
// holds while the transport is in use. Table in docs/design/tls.md.
class tls_session {
 public:
  tls_session(std::unique_ptr<tls_transport> transport, std::shared_ptr<tls_context> context,
              const tls::stream_options& options)
      : transport_(std::move(transport)), engine_(std::move(context), options) {}

  void handshake(std::error_code& error);
  std::size_t read_some(std::span<std::byte> into, std::error_code& error);
  std::size_t read_exactly(std::span<std::byte> into, std::error_code& error);
  std::size_t write_some(std::span<const std::byte> from, std::error_code& error);
  std::size_t write_all(std::span<const std::byte> from, std::error_code& error);
  void shutdown(tls::closing how, std::error_code& error);

  tls_transport& transport() noexcept { return *transport_; }
  // `f` of the engine, under its lock.
  template <class F>
  auto ask(F&& f) {
    const std::lock_guard guard(lock_);
    return f(std::as_const(engine_));
  }

 private:
  class reading_turn;
  class writing_turn;
  // `helper`: a writer that needs the peer's bytes; a reader that comes waits for it.
  enum class reader { nobody, owner, helper };
  enum class phase { fresh, shaking_hands, open };

  std::size_t read_once(std::span<std::byte> into, std::error_code& error);
  std::size_t write_once(std::span<const std::byte> from, std::error_code& error);
  void receive(std::error_code& error);
  void help_reading(std::error_code& error);
  void send_output(std::error_code& error);
  void send_alert();
  std::error_code not_open() const noexcept;

  const std::unique_ptr<tls_transport> transport_;
  mutex lock_;
  condition_variable reading_changed_;
  // Under lock_:
  tls_engine engine_;
  phase phase_ = phase::fresh;
  reader reader_ = reader::nobody;
  bool writing_ = false;
  bool output_lost_ = false;  // a write is under way, or has ended before its bytes were out
  bool input_ended_ = false;
  std::uint64_t inputs_ = 0;  // counts receive()
  // Of the writing turn:
  std::vector<std::byte> sending_;
};

}  // namespace weft::inline v0::detail
