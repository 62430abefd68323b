// Making SSL_CTXs.
#include "tls/context_state.hpp"

#include <algorithm>    // find, copy
#include <cstring>      // memcpy
#include <string_view>  // string_view
#include <utility>      // move, swap

#include <openssl/crypto.h>  // OPENSSL_cleanse

#include "tls/engine.hpp"  // tls_engine::keep_session
#include "tls/openssl_section.hpp"
#include "tls/pem.hpp"

namespace weft::inline v0::detail {
namespace {

// The name of the protocol that is spoken in this library's sessions: OpenSSL wants one where clients show certificates.
constexpr unsigned char session_scope[] = "weft";
constexpr int ticket_key_bytes = 80;

// Whatever name the client asks for is heard, and told by server_name().
int accept_server_name(SSL*, int*, void*) noexcept { return SSL_TLSEXT_ERR_OK; }

void copy_ticket_keys(SSL_CTX& from, SSL_CTX& to) noexcept {
  unsigned char keys[ticket_key_bytes];
  if (SSL_CTX_get_tlsext_ticket_keys(&from, keys, ticket_key_bytes) == 1) {
    SSL_CTX_set_tlsext_ticket_keys(&to, keys, ticket_key_bytes);
  }
  OPENSSL_cleanse(keys, sizeof keys);
}

void set_tickets(SSL_CTX& ctx, bool on) noexcept {
  // Tickets carry the session; nothing is kept here for clients that do not come back.
  SSL_CTX_set_session_cache_mode(&ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(&ctx, session_scope, sizeof session_scope - 1);
  if (!on) {
    SSL_CTX_set_options(&ctx, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(&ctx, 0);
  }
}

}  // namespace

tls_context::tls_context(tls_settings settings, std::size_t kept_sessions)
    : settings_(std::move(settings)), sessions_(kept_sessions) {}

openssl_ptr<SSL_CTX> tls_context::make_ctx(std::error_code& error) const noexcept {
  openssl_ptr<SSL_CTX> ctx(SSL_CTX_new(settings_.server ? TLS_server_method() : TLS_client_method()));
  if (ctx == nullptr || SSL_CTX_set_min_proto_version(ctx.get(), settings_.minimum) != 1 ||
      SSL_CTX_set_max_proto_version(ctx.get(), settings_.maximum) != 1) {
    error = openssl_error();
    return nullptr;
  }
  SSL_CTX_set_options(ctx.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(ctx.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_passwd_cb(ctx.get(), nullptr);
  SSL_CTX_set_verify(ctx.get(), settings_.verify, nullptr);
  if (settings_.server) {
    SSL_CTX_callback_ctrl(ctx.get(), SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                          reinterpret_cast<void (*)()>(accept_server_name));
    set_tickets(*ctx, settings_.tickets);
  } else {
    SSL_CTX_set_session_cache_mode(ctx.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    if (sessions_.enabled()) SSL_CTX_sess_set_new_cb(ctx.get(), tls_engine::keep_session);
  }
  error = set_alpn(*ctx);
  return error ? nullptr : std::move(ctx);
}

std::error_code tls_context::set_alpn(SSL_CTX& ctx) const noexcept {
  if (settings_.server) {
    // The streams of an SSL_CTX keep this object alive.
    void* const self = const_cast<tls_context*>(this);
    if (settings_.choose_alpn || !settings_.alpn.empty()) SSL_CTX_set_alpn_select_cb(&ctx, choose_alpn, self);
    return {};
  }
  if (settings_.alpn.empty()) return {};
  try {
    std::vector<unsigned char> wire;  // each name after its length
    for (const std::string& name : settings_.alpn) {
      wire.push_back(static_cast<unsigned char>(name.size()));
      wire.insert(wire.end(), name.begin(), name.end());
    }
    if (SSL_CTX_set_alpn_protos(&ctx, wire.data(), static_cast<unsigned>(wire.size())) != 0) return openssl_error();
  } catch (const std::bad_alloc&) {
    return std::make_error_code(std::errc::not_enough_memory);
  }
  return {};
}

std::string_view tls_context::choose(const std::vector<std::string_view>& offered) const {
  if (settings_.choose_alpn) return settings_.choose_alpn(offered);
  for (const std::string& ours : settings_.alpn) {
    if (std::find(offered.begin(), offered.end(), ours) != offered.end()) return ours;
  }
  return {};
}

// Inside of a handshake. The answer must lie in the client's own list, which outlives the call.
int tls_context::choose_alpn(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                             const unsigned char* offered, unsigned offered_size, void* self) noexcept {
  try {
    std::vector<std::string_view> names;  // OpenSSL has checked the list
    for (unsigned at = 0; at < offered_size; at += 1U + offered[at]) {
      names.emplace_back(reinterpret_cast<const char*>(offered + at + 1), offered[at]);
    }
    const std::string_view choice = static_cast<const tls_context*>(self)->choose(names);
    const auto found = std::find(names.begin(), names.end(), choice);
    if (choice.empty() || found == names.end()) return SSL_TLSEXT_ERR_ALERT_FATAL;
    *chosen = reinterpret_cast<const unsigned char*>(found->data());
    *chosen_size = static_cast<unsigned char>(found->size());
    return SSL_TLSEXT_ERR_OK;
  } catch (...) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
}

std::error_code tls_context::set_up(const std::string& trust, const tls::identity* own) noexcept {
  const openssl_section section;
  std::error_code error;
  auto ctx = make_ctx(error);
  if (ctx != nullptr && settings_.system_trust && SSL_CTX_set_default_verify_paths(ctx.get()) != 1) {
    error = openssl_error();
  }
  if (!error && !trust.empty()) error = add_trust(*ctx, trust, settings_.server);
  if (!error && own != nullptr) error = use_identity(*ctx, *own);
  if (!error) current_ = std::move(ctx);
  return error;
}

std::error_code tls_context::reload(const tls::identity& own) noexcept {
  const openssl_section section;
  std::error_code error;
  auto ctx = make_ctx(error);
  if (!error) error = use_identity(*ctx, own);
  if (error) return error;
  const std::lock_guard guard(lock_);
  SSL_CTX_set1_cert_store(ctx.get(), SSL_CTX_get_cert_store(current_.get()));
  if (settings_.server) {
    copy_ticket_keys(*current_, *ctx);
    SSL_CTX_set_client_CA_list(ctx.get(), SSL_dup_CA_list(SSL_CTX_get_client_CA_list(current_.get())));
  }
  current_.swap(ctx);
  sessions_.clear();
  return {};
}

openssl_ptr<SSL> tls_context::make_ssl() noexcept {
  const std::lock_guard guard(lock_);
  return openssl_ptr<SSL>(SSL_new(current_.get()));
}

}  // namespace weft::inline v0::detail
