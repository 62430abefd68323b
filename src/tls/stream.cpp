// tls::stream: the two forms of each operation, and a stream that is none.
#include <weft/tls/stream.hpp>

#include "tls/context_state.hpp"
#include "tls/session.hpp"

namespace weft::inline v0 {

detail::tls_transport::~tls_transport() = default;

namespace tls {
namespace {

std::error_code no_stream() noexcept { return std::make_error_code(std::errc::bad_file_descriptor); }

void throw_if(const std::error_code& error, const char* what) {
  if (error) throw std::system_error(error, what);
}

}  // namespace

stream::stream() noexcept = default;
stream::stream(stream&&) noexcept = default;
stream& stream::operator=(stream&&) noexcept = default;
stream::~stream() = default;

stream::stream(std::unique_ptr<detail::tls_transport> over, const context& shared, const stream_options& options) {
  if (!shared) throw_if(std::make_error_code(std::errc::invalid_argument), "tls::stream: no context");
  session_ = std::make_unique<detail::tls_session>(std::move(over), shared.state_, options);
}

void stream::handshake(std::error_code& error) {
  if (session_ == nullptr) {
    error = no_stream();
  } else {
    session_->handshake(error);
  }
}
void stream::handshake() {
  std::error_code error;
  handshake(error);
  throw_if(error, "tls::stream::handshake");
}

std::size_t stream::read_some(std::span<std::byte> into, std::error_code& error) {
  error = no_stream();
  return session_ == nullptr ? 0 : session_->read_some(into, error);
}
std::size_t stream::read_some(std::span<std::byte> into) {
  std::error_code error;
  const std::size_t n = read_some(into, error);
  throw_if(error, "tls::stream::read_some");
  return n;
}

std::size_t stream::read_exactly(std::span<std::byte> into, std::error_code& error) {
  error = no_stream();
  return session_ == nullptr ? 0 : session_->read_exactly(into, error);
}
void stream::read_exactly(std::span<std::byte> into) {
  std::error_code error;
  read_exactly(into, error);
  throw_if(error, "tls::stream::read_exactly");
}

std::size_t stream::write_some(std::span<const std::byte> from, std::error_code& error) {
  error = no_stream();
  return session_ == nullptr ? 0 : session_->write_some(from, error);
}
std::size_t stream::write_some(std::span<const std::byte> from) {
  std::error_code error;
  const std::size_t n = write_some(from, error);
  throw_if(error, "tls::stream::write_some");
  return n;
}

std::size_t stream::write_all(std::span<const std::byte> from, std::error_code& error) {
  error = no_stream();
  return session_ == nullptr ? 0 : session_->write_all(from, error);
}
void stream::write_all(std::span<const std::byte> from) {
  std::error_code error;
  write_all(from, error);
  throw_if(error, "tls::stream::write_all");
}

void stream::shutdown(closing how, std::error_code& error) {
  error = no_stream();
  if (session_ != nullptr) session_->shutdown(how, error);
}
void stream::shutdown(closing how) {
  std::error_code error;
  shutdown(how, error);
  throw_if(error, "tls::stream::shutdown");
}

void stream::close(std::error_code& error) {
  error.clear();
  if (session_ != nullptr) session_->transport().close(error);
}
void stream::close() {
  std::error_code error;
  close(error);
  throw_if(error, "tls::stream::close");
}

void stream::set_timeout_ns(std::int64_t timeout_ns) {
  if (session_ != nullptr) session_->transport().set_timeout_ns(timeout_ns);
}
detail::tls_transport* stream::transport_of_session() const noexcept {
  return session_ == nullptr ? nullptr : &session_->transport();
}

std::string stream::alpn() const {
  return session_ == nullptr ? std::string() : session_->ask([](const auto& engine) { return engine.alpn(); });
}
std::string stream::version() const {
  return session_ == nullptr ? std::string() : session_->ask([](const auto& engine) { return engine.version(); });
}
std::string stream::cipher() const {
  return session_ == nullptr ? std::string() : session_->ask([](const auto& engine) { return engine.cipher(); });
}
std::string stream::peer_subject() const {
  return session_ == nullptr ? std::string() : session_->ask([](const auto& engine) { return engine.peer_subject(); });
}
std::string stream::server_name() const {
  return session_ == nullptr ? std::string() : session_->ask([](const auto& engine) { return engine.server_name(); });
}
bool stream::session_reused() const {
  return session_ != nullptr && session_->ask([](const auto& engine) { return engine.session_reused(); });
}

}  // namespace tls
}  // namespace weft::inline v0
