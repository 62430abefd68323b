// tls::context: settings checked and brought into one form.
#include <weft/tls/context.hpp>

#include <algorithm>  // all_of

#include "tls/context_state.hpp"

namespace weft::inline v0::tls {
namespace {

int number_of(protocol_version v) noexcept { return v == protocol_version::tls1_2 ? TLS1_2_VERSION : TLS1_3_VERSION; }

bool good_names(const std::vector<std::string>& alpn) {
  return std::all_of(alpn.begin(), alpn.end(), [](const auto& name) { return !name.empty() && name.size() <= 255; });
}

int verify_mode(client_certificate wanted) noexcept {
  switch (wanted) {
    case client_certificate::ignored:
      break;
    case client_certificate::requested:
      return SSL_VERIFY_PEER;
    case client_certificate::required:
      return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  return SSL_VERIFY_NONE;
}

std::shared_ptr<detail::tls_context> make(detail::tls_settings settings, std::size_t kept, const std::string& trust,
                                          const identity* own, std::error_code& error) {
  error.clear();
  if (!good_names(settings.alpn) || settings.minimum > settings.maximum) {
    error = std::make_error_code(std::errc::invalid_argument);
    return nullptr;
  }
  auto state = std::make_shared<detail::tls_context>(std::move(settings), kept);
  error = state->set_up(trust, own);
  return error ? nullptr : state;
}

void throw_if(const std::error_code& error, const char* what) {
  if (error) throw std::system_error(error, what);
}

}  // namespace

context context::client(const client_settings& s, std::error_code& error) {
  detail::tls_settings all;
  all.verify = s.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE;
  all.system_trust = s.verify && s.system_trust;
  all.minimum = number_of(s.minimum);
  all.maximum = number_of(s.maximum);
  all.alpn = s.alpn;
  return context(make(std::move(all), s.kept_sessions, s.trust, s.own ? &*s.own : nullptr, error));
}
context context::client(const client_settings& settings) {
  std::error_code error;
  context made = client(settings, error);
  throw_if(error, "tls::context::client");
  return made;
}

context context::server(const server_settings& s, std::error_code& error) {
  detail::tls_settings all;
  all.server = true;
  all.verify = verify_mode(s.clients);
  all.system_trust = s.system_trust && s.clients != client_certificate::ignored;
  all.tickets = s.tickets;
  all.minimum = number_of(s.minimum);
  all.maximum = number_of(s.maximum);
  all.alpn = s.alpn;
  all.choose_alpn = s.choose_alpn;
  return context(make(std::move(all), 0, s.trust, &s.own, error));
}
context context::server(const server_settings& settings) {
  std::error_code error;
  context made = server(settings, error);
  throw_if(error, "tls::context::server");
  return made;
}

void context::reload(const identity& own, std::error_code& error) {
  error = state_ == nullptr ? std::make_error_code(std::errc::bad_file_descriptor) : state_->reload(own);
}
void context::reload(const identity& own) {
  std::error_code error;
  reload(own, error);
  throw_if(error, "tls::context::reload");
}

}  // namespace weft::inline v0::tls
