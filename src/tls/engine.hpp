// One TLS connection without its transport: bytes in, bytes out. Nothing here waits.
#pragma once
#include <cstddef>       // byte, size_t
#include <memory>        // shared_ptr, unique_ptr
#include <span>          // span
#include <string>        // string
#include <system_error>  // error_code
#include <vector>        // vector

#include "tls/handles.hpp"
#include <weft/tls/stream.hpp>  // stream_options

namespace weft::inline v0::detail {

class tls_context;

enum class tls_status {
  done,
  want_input,  // nothing can be done before the peer's next bytes
  closed,      // the peer has sent close_notify
  failed,      // `error` says why, now and ever after
};
struct tls_result {
  tls_status status = tls_status::done;
  std::size_t bytes = 0;  // done: how many were read or sealed
  std::error_code error = {};
};

// Threads: one at a time. Each operation is one openssl_section, and leaves what is to be sent in output(). Does not move:
// OpenSSL's callbacks find it by its address.
class tls_engine {
 public:
  // \throws std::system_error, std::bad_alloc
  tls_engine(std::shared_ptr<tls_context> context, const tls::stream_options& options);
  ~tls_engine();
  tls_engine(const tls_engine&) = delete;
  tls_engine& operator=(const tls_engine&) = delete;

  tls_result handshake() noexcept;
  tls_result read(std::span<std::byte> into) noexcept;
  // Seals some or all of `from`. After our own close_notify: errc::broken_pipe, which ends nothing else.
  tls_result write(std::span<const std::byte> from) noexcept;
  tls_result send_close_notify() noexcept;

  // Where the peer's next bytes go, at the time an operation wants input; used outside of operations, also while others
  // run, which find nothing to read then. Then how many have come.
  std::span<std::byte> input_room() noexcept { return {input_.get(), input_capacity}; }
  void input_arrived(std::size_t n) noexcept { input_begin_ = 0, input_end_ = n; }
  // What is to be sent. The owner takes it out.
  std::vector<std::byte>& output() noexcept { return output_; }

  std::string alpn() const;
  std::string version() const;
  std::string cipher() const;
  std::string peer_subject() const;
  std::string server_name() const;
  bool session_reused() const noexcept;
  // What has ended it, if anything has.
  const std::error_code& failure() const noexcept { return failure_; }

  // OpenSSL's callback: a session that may be resumed has come.
  static int keep_session(SSL* ssl, SSL_SESSION* session) noexcept;

  // A record of TLS with its header and the most that sealing adds.
  static constexpr std::size_t input_capacity = 17 * 1024;
  // write() stops sealing beyond so much: a few records for one call of the transport.
  static constexpr std::size_t output_batch = 64 * 1024;

 private:
  void set_up_client(const tls::stream_options& options);
  std::error_code set_host(const std::string& host, bool check);
  tls_result outcome(int returned) noexcept;
  static const BIO_METHOD* bio_method();
  static int bio_read(BIO* bio, char* into, int size) noexcept;
  static int bio_write(BIO* bio, const char* from, int size) noexcept;
  static long bio_control(BIO* bio, int command, long, void*) noexcept;

  std::shared_ptr<tls_context> context_;
  std::string session_key_;
  std::unique_ptr<std::byte[]> input_;
  std::size_t input_begin_ = 0, input_end_ = 0;
  std::vector<std::byte> output_;
  std::error_code failure_;
  bool handshake_done_ = false;
  openssl_ptr<SSL> ssl_;
};

}  // namespace weft::inline v0::detail
