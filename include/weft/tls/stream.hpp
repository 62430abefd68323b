/// \file   weft/tls/stream.hpp
/// \brief  TLS over any stream, read and written as if it blocked.
#pragma once
#include <chrono>        // durations
#include <cstddef>       // byte, size_t
#include <cstdint>       // int64_t
#include <memory>        // unique_ptr, make_unique
#include <span>          // span
#include <string>        // string
#include <string_view>   // string_view
#include <system_error>  // error_code
#include <type_traits>   // unwrap_reference
#include <utility>       // move

#include <weft/base/config.hpp>    // WEFT_EXPORT
#include <weft/io/timeout.hpp>     // timeout_ns
#include <weft/tls/context.hpp>    // context
#include <weft/tls/error.hpp>      // error
#include <weft/tls/transport.hpp>  // transport, tls_transport_of

namespace weft::inline v0 {
namespace detail {
class tls_session;
}

namespace tls {

/// What one connection adds to its context; for servers there is nothing to say. Copied.
struct stream_options {
  /// Client: the name or the IP address the server's certificate must be for. A name is also told to the server (SNI), so
  /// that it can show the right one. Where the context verifies, it must be given, or check_host be false.
  std::string_view host = {};
  bool check_host = true;  ///< false: a trusted certificate for any name will do
  /// Client: sessions are resumed between streams of one context with the same host and key (a port, say).
  std::string_view session_key = {};
};

enum class closing {
  send,  ///< only send our close_notify
  wait,  ///< and read until the peer's, discarding what it still sends
};

/// Move-only. The destructor sends nothing: the peer of a stream that ends without shutdown() sees a truncation.
///
/// Threads:  one reader and one writer at a time, in fibers or plain threads, and close() and the getters from anywhere. A
///           second reader gets errc::device_or_resource_busy, and so does a second writer; handshake() is both,
///           shutdown() is a writer and, when it waits, a reader. Moving, destroying and set_timeout() need the
///           object for themselves.
/// Blocking: as the transport blocks. Never while OpenSSL is at work, and a reader that waits keeps no writer from writing.
/// Stop:     every operation but the getters is a cancellation point, and throws weft::cancelled from both overloads.
/// Time:     a time limit of the transport bounds each of its own operations, several of which may be needed for one of
///           ours. weft::with_timeout bounds the whole.
/// After a failure: a read that timed out or was stopped may be repeated. A handshake or a write that ended before it was
///           done leaves half a message behind: later operations (after a write: later writes) say error::interrupted. What
///           the protocol itself objects to ends the stream; the error is repeated.
/// Errors:   std::system_error, or the last argument: tls::error, codes of openssl_category() and verify_category(), and
///           whatever the transport says.
/// Stack:    a handshake takes up to 16 KiB, besides what the fiber has used already. The default stack does, and so do 64 KiB.
/// Latency:  over TCP, set_no_delay(true) keeps small messages from waiting for the system to gather more.
/// Memory:   17 KiB for a connection that waits, besides what OpenSSL needs; up to 128 KiB more while much is written.
class WEFT_EXPORT stream {
 public:
  /// No stream: every operation says errc::bad_file_descriptor.
  stream() noexcept;
  /// Takes a connected stream over; std::ref(s) leaves it with its owner. Client or server, as the context is. Sends
  /// nothing yet.
  /// \throws std::system_error  errc::invalid_argument: no context; a client context that verifies, and no host; a host
  ///                            or session key with a zero byte, or too long. std::bad_alloc
  template <class Transport>
  requires transport<std::unwrap_reference_t<Transport>> stream(Transport over, const context& shared,
                                                                const stream_options& options = {})
      : stream(std::make_unique<detail::tls_transport_of<Transport>>(std::move(over)), shared, options) {}
  stream(stream&&) noexcept;
  stream& operator=(stream&&) noexcept;
  ~stream();

  /// Agrees with the peer and looks at its certificate. Before anything else, once; again it does nothing.
  void handshake();
  void handshake(std::error_code& error);

  /// At least one byte. \return how many; 0: the peer has said that no more will come (or an empty span). An end of the
  /// transport without that is error::truncated.
  std::size_t read_some(std::span<std::byte> into);
  std::size_t read_some(std::span<std::byte> into, std::error_code& error);
  /// The whole span. net::error::end_of_stream: the peer ended before.
  /// \return (second form) how much was read, also when it failed.
  void read_exactly(std::span<std::byte> into);
  std::size_t read_exactly(std::span<std::byte> into, std::error_code& error);

  /// \return how many were sent, at least one unless the span is empty.
  std::size_t write_some(std::span<const std::byte> from);
  std::size_t write_some(std::span<const std::byte> from, std::error_code& error);
  /// The whole span. \return (second form) how much was sent for sure.
  void write_all(std::span<const std::byte> from);
  std::size_t write_all(std::span<const std::byte> from, std::error_code& error);

  /// Sends close_notify: the peer reads a clean end, and writes say errc::broken_pipe. Reading goes on.
  void shutdown(closing how = closing::send);
  void shutdown(closing how, std::error_code& error);
  /// As shutdown(closing::send): the name that sockets have for it.
  void shutdown_write() { shutdown(closing::send); }
  void shutdown_write(std::error_code& error) { shutdown(closing::send, error); }

  /// Of the transport, where it has such a thing: see the transport's own.
  template <class Rep, class Period>
  void set_timeout(std::chrono::duration<Rep, Period> timeout) {
    set_timeout_ns(detail::timeout_ns(timeout));
  }
  void clear_timeout() { set_timeout_ns(detail::no_timeout_ns); }
  void close();
  void close(std::error_code& error);

  /// The transport, null when it is of another type. `T` as given to the constructor: std::reference_wrapper<S> for std::ref.
  template <class T>
  [[nodiscard]] std::remove_reference_t<std::unwrap_reference_t<T>>* over() noexcept {
    auto* const held = dynamic_cast<detail::tls_transport_of<T>*>(transport_of_session());
    return held == nullptr ? nullptr : &held->get();
  }

  /// What was agreed on; empty or false before the handshake.
  [[nodiscard]] std::string alpn() const;          ///< empty: no protocol was
  [[nodiscard]] std::string version() const;       ///< "TLSv1.3"
  [[nodiscard]] std::string cipher() const;        ///< "TLS_AES_256_GCM_SHA384"
  [[nodiscard]] std::string peer_subject() const;  ///< "CN=example.org,O=..."; empty: the peer has shown no certificate
  [[nodiscard]] std::string server_name() const;   ///< SNI: what the client has asked for
  [[nodiscard]] bool session_reused() const;

 private:
  stream(std::unique_ptr<detail::tls_transport> over, const context& shared, const stream_options& options);
  detail::tls_transport* transport_of_session() const noexcept;
  void set_timeout_ns(std::int64_t timeout_ns);
  std::unique_ptr<detail::tls_session> session_;
};

}  // namespace tls
}  // namespace weft::inline v0
