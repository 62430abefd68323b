// TLS by weft::tls; what is wrong with a file is said in words of the command line.
#include "common/tls_server.hpp"

#include <weft/tls/context.hpp>  // context
#include <weft/tls/stream.hpp>   // stream

#include "common/failure.hpp"  // failure

namespace weft::tool {
namespace {

std::string read_or_explain(const std::string& path, const char* flag) {
  std::error_code error;
  std::string text = tls::read_pem_file(path, error);
  if (error) {
    throw failure{std::string{flag} + ": cannot read " + path + ": " + error.message()};
  }
  return text;
}

[[noreturn]] void explain(const std::error_code& error, const certificate_files& files, const tls::identity& own) {
  if (error == tls::error::no_certificate) {
    throw failure{"--cert: there is no certificate in " + files.chain + "; a PEM file is needed"};
  }
  if (own.private_key.find("PRIVATE KEY-----") == std::string::npos) {
    throw failure{"--key: there is no private key in " + files.key + "; a PEM file is needed"};
  }
  if (own.private_key.find("ENCRYPTED") != std::string::npos) {
    throw failure{"--key: " + files.key +
                  " is encrypted, and nobody is asked for passwords; decrypt it with 'openssl pkey'"};
  }
  if (error == tls::error::no_private_key) {
    throw failure{"--key: " + files.key + " is not the key of the certificate in " + files.chain +
                  ", or it is damaged"};
  }
  throw failure{"--cert: cannot use " + files.chain + " with " + files.key + ": " + error.message()};
}

// The socket as TLS writes to it: with a limit for each piece that the system takes, and not for all that is sealed at once,
// which a slow client may need long for.
class by_pieces {
 public:
  explicit by_pieces(net::tcp_stream& socket) noexcept : socket_(&socket) {}
  std::size_t read_some(std::span<std::byte> into, std::error_code& error) { return socket_->read_some(into, error); }
  std::size_t write_some(std::span<const std::byte> from, std::error_code& error) {
    return socket_->write_some(from, error);
  }

 private:
  net::tcp_stream* socket_;
};

class layer final : public tls_layer {
 public:
  layer(net::tcp_stream& socket, const tls::context& shared) : stream_(by_pieces{socket}, shared) {}

  void handshake(std::error_code& error) override { stream_.handshake(error); }
  std::size_t read_some(std::span<std::byte> into, std::error_code& error) override {
    return stream_.read_some(into, error);
  }
  std::size_t write_some(std::span<const std::byte> from, std::error_code& error) override {
    return stream_.write_some(from, error);
  }
  void end_output(std::error_code& error) override {
    error.clear();
    if (!ended_) {
      ended_ = true;
      stream_.shutdown(tls::closing::send, error);
    }
  }

 private:
  tls::stream stream_;
  bool ended_ = false;
};

class server final : public tls_server {
 public:
  explicit server(const certificate_files& files) : files_(files) {
    tls::server_settings settings;
    settings.own = read_identity();
    settings.alpn = {"http/1.1", "http/1.0"};
    std::error_code error;
    context_ = tls::context::server(settings, error);
    if (error) {
      explain(error, files_, settings.own);
    }
  }

  void reload() override {
    const tls::identity own = read_identity();
    std::error_code error;
    context_.reload(own, error);
    if (error) {
      explain(error, files_, own);
    }
  }
  std::unique_ptr<tls_layer> over(net::tcp_stream& socket) override {
    return std::make_unique<layer>(socket, context_);
  }

 private:
  tls::identity read_identity() const {
    return {.certificate_chain = read_or_explain(files_.chain, "--cert"),
            .private_key = read_or_explain(files_.key, "--key")};
  }

  const certificate_files files_;
  tls::context context_;  // not changed after the constructor, but for what reload() does behind it
};

}  // namespace

std::unique_ptr<tls_server> tls_server::open(const certificate_files& files) { return std::make_unique<server>(files); }

}  // namespace weft::tool
