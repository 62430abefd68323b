// What a tls::context is inside: an SSL_CTX that is replaced, never changed, and what its callbacks look at.
#pragma once
#include <memory>        // shared_ptr
#include <mutex>         // mutex
#include <string>        // string
#include <system_error>  // error_code
#include <vector>        // vector

#include "tls/handles.hpp"
#include "tls/session_cache.hpp"
#include <weft/tls/context.hpp>  // settings

namespace weft::inline v0::detail {

// The settings of both kinds in one form.
struct tls_settings {
  bool server = false;
  int verify = SSL_VERIFY_PEER;
  bool system_trust = true;
  bool tickets = true;
  int minimum = TLS1_2_VERSION, maximum = TLS1_3_VERSION;
  std::vector<std::string> alpn;
  tls::alpn_chooser choose_alpn;
};

// Threads: all members may run at the same time. What is not under the lock does not change.
class tls_context {
 public:
  tls_context(tls_settings settings, std::size_t kept_sessions);

  // Once, before the context is used. `trust` and `own` as in the public settings.
  std::error_code set_up(const std::string& trust, const tls::identity* own) noexcept;
  // Another SSL_CTX with the same trust and ticket keys, for the streams to come.
  std::error_code reload(const tls::identity& own) noexcept;

  bool is_server() const noexcept { return settings_.server; }
  bool verifies() const noexcept { return settings_.verify != SSL_VERIFY_NONE; }
  // For a new stream, which keeps its SSL_CTX alive. Inside of an openssl_section. Null: no memory.
  openssl_ptr<SSL> make_ssl() noexcept;
  session_cache& sessions() noexcept { return sessions_; }

 private:
  openssl_ptr<SSL_CTX> make_ctx(std::error_code& error) const noexcept;
  std::error_code set_alpn(SSL_CTX& ctx) const noexcept;
  static int choose_alpn(SSL*, const unsigned char** chosen, unsigned char* chosen_size, const unsigned char* offered,
                         unsigned offered_size, void* self) noexcept;
  std::string_view choose(const std::vector<std::string_view>& offered) const;

  const tls_settings settings_;
  session_cache sessions_;
  std::mutex lock_;  // of the thread: a leaf, held for copying a pointer
  openssl_ptr<SSL_CTX> current_;
};

}  // namespace weft::inline v0::detail
