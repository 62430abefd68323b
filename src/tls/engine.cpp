// Calls of OpenSSL, each turned into a result before anybody else can use the thread.
#include "tls/engine.hpp"

#include <algorithm>  // min
#include <climits>    // INT_MAX
#include <cstring>    // memcpy
#include <new>        // bad_alloc

#include <openssl/x509v3.h>  // host names

#include "tls/context_state.hpp"
#include "tls/openssl_section.hpp"

namespace weft::inline v0::detail {
namespace {

int bounded(std::size_t n) noexcept { return n < INT_MAX ? static_cast<int>(n) : INT_MAX; }

[[noreturn]] void fail(const std::error_code& error) { throw std::system_error(error, "tls::stream"); }

}  // namespace

// ---- what OpenSSL reads from and writes to ---------------------------------------------------------------------------

int tls_engine::bio_read(BIO* bio, char* into, int size) noexcept {
  BIO_clear_retry_flags(bio);
  auto& self = *static_cast<tls_engine*>(BIO_get_data(bio));
  const std::size_t n = std::min(static_cast<std::size_t>(size), self.input_end_ - self.input_begin_);
  if (n == 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  std::memcpy(into, self.input_.get() + self.input_begin_, n);
  self.input_begin_ += n;
  return static_cast<int>(n);
}

int tls_engine::bio_write(BIO* bio, const char* from, int size) noexcept {
  BIO_clear_retry_flags(bio);
  auto& self = *static_cast<tls_engine*>(BIO_get_data(bio));
  try {
    const auto* const first = reinterpret_cast<const std::byte*>(from);
    self.output_.insert(self.output_.end(), first, first + size);
    return size;
  } catch (const std::bad_alloc&) {
    return -1;
  }
}

long tls_engine::bio_control(BIO*, int command, long, void*) noexcept { return command == BIO_CTRL_FLUSH ? 1 : 0; }

const BIO_METHOD* tls_engine::bio_method() {
  static const openssl_ptr<BIO_METHOD> method = [] {
    openssl_ptr<BIO_METHOD> made(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weft"));
    if (made == nullptr || BIO_meth_set_read(made.get(), bio_read) != 1 ||
        BIO_meth_set_write(made.get(), bio_write) != 1 || BIO_meth_set_ctrl(made.get(), bio_control) != 1) {
      throw std::bad_alloc();
    }
    return made;
  }();
  return method.get();
}

// ---- beginning and end -----------------------------------------------------------------------------------------------

tls_engine::tls_engine(std::shared_ptr<tls_context> context, const tls::stream_options& options)
    : context_(std::move(context)), input_(new std::byte[input_capacity]) {
  const openssl_section section;
  ssl_ = context_->make_ssl();
  BIO* const bio = ssl_ == nullptr ? nullptr : BIO_new(bio_method());
  if (bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);  // one reference is for both directions
  SSL_set_app_data(ssl_.get(), this);
  if (context_->is_server()) {
    SSL_set_accept_state(ssl_.get());
  } else {
    SSL_set_connect_state(ssl_.get());
    set_up_client(options);
  }
}

tls_engine::~tls_engine() {
  const openssl_section section;
  // OpenSSL would forbid resuming the session of a connection that ends without close_notify, as TLS 1.0 had it.
  if (handshake_done_ && !failure_) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  ssl_.reset();
}

void tls_engine::set_up_client(const tls::stream_options& options) {
  const std::string host(options.host.substr(0, options.host.size() - (options.host.ends_with('.') ? 1 : 0)));
  const bool check = options.check_host && context_->verifies();
  if ((check && host.empty()) || host.find('\0') != std::string::npos) {
    fail(std::make_error_code(std::errc::invalid_argument));
  }
  if (const auto error = set_host(host, check)) fail(error);
  // A session stands for a certificate that was good for this host, and for no other.
  session_key_ = host + (check ? '\0' : '\1') + std::string(options.session_key);
  if (!context_->sessions().enabled()) return;
  if (const auto session = context_->sessions().take(session_key_)) SSL_set_session(ssl_.get(), session.get());
}

std::error_code tls_engine::set_host(const std::string& host, bool check) {
  if (host.empty()) return {};
  openssl_ptr<ASN1_OCTET_STRING> address(a2i_IPADDRESS(host.c_str()));
  ERR_clear_error();
  if (address != nullptr) {
    X509_VERIFY_PARAM* const wanted = SSL_get0_param(ssl_.get());
    return check && X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) != 1 ? openssl_error() : std::error_code{};
  }
  char* const name = const_cast<char*>(host.c_str());  // is copied
  if (SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name) != 1) {
    return std::make_error_code(std::errc::invalid_argument);  // too long
  }
  SSL_set_hostflags(ssl_.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return check && SSL_set1_host(ssl_.get(), host.c_str()) != 1 ? openssl_error() : std::error_code{};
}

int tls_engine::keep_session(SSL* ssl, SSL_SESSION* session) noexcept {
  auto& self = *static_cast<tls_engine*>(SSL_get_app_data(ssl));
  openssl_ptr<SSL_SESSION> ours(session);
  try {
    self.context_->sessions().put(self.session_key_, ours);
    return 1;
  } catch (const std::bad_alloc&) {
    static_cast<void>(ours.release());
    return 0;  // it stays OpenSSL's
  }
}

// ---- operations ------------------------------------------------------------------------------------------------------

tls_result tls_engine::outcome(int returned) noexcept {
  switch (SSL_get_error(ssl_.get(), returned)) {
    case SSL_ERROR_NONE:
      return {};
    case SSL_ERROR_WANT_READ:
      return {.status = tls_status::want_input};
    case SSL_ERROR_ZERO_RETURN:
      return {.status = tls_status::closed};
    default:
      break;
  }
  constexpr int refused = ERR_PACK(ERR_LIB_SSL, 0, SSL_R_CERTIFICATE_VERIFY_FAILED);
  failure_ = openssl_error();
  const long verified = SSL_get_verify_result(ssl_.get());
  if (failure_ == std::error_code(refused, tls::openssl_category()) && verified != X509_V_OK) {
    failure_ = verify_error(verified);
  }
  return {.status = tls_status::failed, .error = failure_};
}

tls_result tls_engine::handshake() noexcept {
  if (failure_) return {.status = tls_status::failed, .error = failure_};
  const openssl_section section;
  const tls_result r = outcome(SSL_do_handshake(ssl_.get()));
  handshake_done_ = handshake_done_ || r.status == tls_status::done;
  return r;
}

tls_result tls_engine::read(std::span<std::byte> into) noexcept {
  if (failure_) return {.status = tls_status::failed, .error = failure_};
  const openssl_section section;
  const int n = SSL_read(ssl_.get(), into.data(), bounded(into.size()));
  tls_result r = outcome(n);
  if (r.status == tls_status::done) r.bytes = static_cast<std::size_t>(n);
  return r;
}

tls_result tls_engine::write(std::span<const std::byte> from) noexcept {
  if (failure_) return {.status = tls_status::failed, .error = failure_};
  const openssl_section section;
  if ((SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN) != 0) {
    return {.status = tls_status::failed, .error = std::make_error_code(std::errc::broken_pipe)};
  }
  tls_result r;
  while (r.bytes < from.size() && output_.size() < output_batch) {
    const auto rest = from.subspan(r.bytes);
    const int n = SSL_write(ssl_.get(), rest.data(), bounded(rest.size()));
    if (n > 0) {
      r.bytes += static_cast<std::size_t>(n);
      continue;
    }
    const tls_result stopped = outcome(n);
    if (stopped.status == tls_status::want_input && r.bytes > 0) break;  // the next call meets it again
    return stopped;
  }
  return r;
}

tls_result tls_engine::send_close_notify() noexcept {
  if (failure_) return {.status = tls_status::failed, .error = failure_};
  const openssl_section section;
  if ((SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN) != 0) return {};
  const int sent = SSL_shutdown(ssl_.get());
  return sent >= 0 ? tls_result{} : outcome(sent);
}

// ---- what was agreed on ----------------------------------------------------------------------------------------------

std::string tls_engine::alpn() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string tls_engine::version() const { return handshake_done_ ? SSL_get_version(ssl_.get()) : ""; }

std::string tls_engine::cipher() const {
  const SSL_CIPHER* const used = handshake_done_ ? SSL_get_current_cipher(ssl_.get()) : nullptr;
  return used == nullptr ? "" : SSL_CIPHER_get_name(used);
}

std::string tls_engine::peer_subject() const {
  const openssl_section section;
  const X509* const certificate = handshake_done_ ? SSL_get0_peer_certificate(ssl_.get()) : nullptr;
  const openssl_ptr<BIO> text(BIO_new(BIO_s_mem()));
  if (certificate == nullptr || text == nullptr) return {};
  X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* first = nullptr;
  const long size = BIO_get_mem_data(text.get(), &first);
  return {first, static_cast<std::size_t>(size)};
}

std::string tls_engine::server_name() const {
  const char* const name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  return name == nullptr ? "" : name;
}

bool tls_engine::session_reused() const noexcept { return handshake_done_ && SSL_session_reused(ssl_.get()) == 1; }

}  // namespace weft::inline v0::detail
