/// \file   weft/tls/transport.hpp
/// \brief  What a TLS stream runs over: any stream of bytes, its type forgotten.
#pragma once
#include <chrono>        // nanoseconds
#include <concepts>      // convertible_to
#include <cstddef>       // byte, size_t
#include <cstdint>       // int64_t
#include <functional>    // reference_wrapper
#include <span>          // span
#include <system_error>  // error_code, errc
#include <type_traits>   // unwrap_reference
#include <utility>       // move

#include <weft/base/config.hpp>  // WEFT_EXPORT
#include <weft/io/timeout.hpp>   // no_timeout_ns

namespace weft::inline v0 {
namespace tls {

/// A stream of bytes that is read and written as if it blocked, as net::tcp_stream, net::unix_stream and tls::stream are.
/// One fiber may read while another writes. read_some: at least one byte; 0: the end. An operation that fails, or is
/// stopped, before it has moved a byte must not have moved any: then a read may be repeated.
template <class T>
concept transport = requires(T& t, std::span<std::byte> into, std::error_code& error) {
  { t.read_some(into, error) } -> std::convertible_to<std::size_t>;
}
&&(
    requires(T& t, std::span<const std::byte> from, std::error_code& error) { t.write_all(from, error); } ||
    requires(T & t, std::span<const std::byte> from, std::error_code& error) {
      { t.write_some(from, error) } -> std::convertible_to<std::size_t>;
    });

}  // namespace tls

namespace detail {

class WEFT_EXPORT tls_transport {
 public:
  tls_transport() = default;
  virtual ~tls_transport();
  tls_transport(const tls_transport&) = delete;
  tls_transport& operator=(const tls_transport&) = delete;
  virtual std::size_t read_some(std::span<std::byte> into, std::error_code& error) = 0;
  virtual void write_all(std::span<const std::byte> from, std::error_code& error) = 0;
  virtual void set_timeout_ns(std::int64_t timeout_ns) = 0;
  virtual void close(std::error_code& error) = 0;
};

template <class T>
class tls_transport_of final : public tls_transport {
 public:
  using stream_type = std::remove_reference_t<std::unwrap_reference_t<T>>;
  explicit tls_transport_of(T inner) : inner_(std::move(inner)) {}
  stream_type& get() noexcept { return inner_; }

  std::size_t read_some(std::span<std::byte> into, std::error_code& error) override {
    return get().read_some(into, error);
  }
  void write_all(std::span<const std::byte> from, std::error_code& error) override {
    if constexpr (requires { get().write_all(from, error); }) {
      get().write_all(from, error);
    } else {
      error.clear();
      while (!from.empty() && !error) {
        const std::size_t taken = get().write_some(from, error);
        if (taken == 0 && !error) error = std::make_error_code(std::errc::io_error);
        from = from.subspan(taken);
      }
    }
  }
  void set_timeout_ns([[maybe_unused]] std::int64_t timeout_ns) override {
    if constexpr (requires { get().set_timeout(std::chrono::nanoseconds(0)), get().clear_timeout(); }) {
      if (timeout_ns == no_timeout_ns) {
        get().clear_timeout();
      } else {
        get().set_timeout(std::chrono::nanoseconds(timeout_ns));
      }
    }
  }
  void close(std::error_code& error) override {
    error.clear();
    if constexpr (requires { get().close(error); }) get().close(error);
  }

 private:
  T inner_;
};

}  // namespace detail
}  // namespace weft::inline v0
