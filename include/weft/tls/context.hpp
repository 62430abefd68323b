/// \file   weft/tls/context.hpp
/// \brief  What many TLS connections share: whom to trust, who we are, which protocols, and sessions to resume.
#pragma once
#include <cstddef>       // size_t
#include <functional>    // function
#include <memory>        // shared_ptr
#include <optional>      // optional
#include <span>          // span
#include <string>        // string
#include <string_view>   // string_view
#include <system_error>  // error_code
#include <utility>       // move
#include <vector>        // vector

#include <weft/base/config.hpp>  // WEFT_EXPORT
#include <weft/tls/error.hpp>    // error, categories

namespace weft::inline v0 {
namespace detail {
class tls_context;
}

namespace tls {

enum class protocol_version { tls1_2, tls1_3 };

/// A certificate of ours with its key, as PEM text. The chain has our certificate first, then the intermediate ones.
struct identity {
  std::string certificate_chain;
  std::string private_key;
  std::string password = {};  ///< of an encrypted key; nobody is ever asked at a terminal
};

/// The text of a file. Blocks the thread, as reading a file does. \throws std::system_error  the system's error
WEFT_EXPORT std::string read_pem_file(const std::string& path);
WEFT_EXPORT std::string read_pem_file(const std::string& path, std::error_code& error);

struct client_settings {
  bool verify = true;                ///< false: any certificate is good, so anybody may be the peer
  bool system_trust = true;          ///< trust what the system trusts
  std::string trust = {};            ///< PEM certificates to trust besides (instead: system_trust = false)
  std::optional<identity> own = {};  ///< for servers that want to know who their client is
  protocol_version minimum = protocol_version::tls1_2;
  protocol_version maximum = protocol_version::tls1_3;
  std::vector<std::string> alpn = {};  ///< protocols offered, the preferred first; each 1 to 255 bytes
  std::size_t kept_sessions = 256;     ///< peers whose sessions are kept for resumption; 0: none
};

enum class client_certificate { ignored, requested, required };

/// Picks one of the protocols a client has offered, or none of them ("": the handshake fails with the alert
/// no_application_protocol). Runs inside the handshake: it must not suspend (that aborts, with a report) and should be
/// quick; an exception fails the handshake. May run on several threads at the same time.
using alpn_chooser = std::function<std::string_view(std::span<const std::string_view> offered)>;

struct server_settings {
  identity own;
  client_certificate clients = client_certificate::ignored;  ///< `requested`: one that is shown must be good
  bool system_trust = false;                                 ///< for clients' certificates
  std::string trust = {};                                    ///< PEM certificates that clients' may come from
  protocol_version minimum = protocol_version::tls1_2;
  protocol_version maximum = protocol_version::tls1_3;
  /// Protocols spoken, the preferred first. A client that offers none is served without; one that offers only others is
  /// refused with the alert no_application_protocol.
  std::vector<std::string> alpn = {};
  alpn_chooser choose_alpn = {};  ///< instead of `alpn`
  bool tickets = true;            ///< let clients resume their sessions; the keys live in this context only
};

/// A handle that is cheap to copy: all copies are one context, which lives as long as any of them or of the streams made
/// with it.
///
/// Threads:  all members may run at the same time. Nothing of a context changes after it was made, except its identity
///           by reload().
/// Blocking: making one parses certificates, which takes milliseconds; it reads no files, except that trusting what the
///           system trusts reads the system's bundle if there is one. A handshake looks further certificates up in the
///           system's directory of them. Never suspends.
/// Errors:   std::system_error, or the last argument: tls::error, codes of openssl_category(), errc::invalid_argument
///           (a name for ALPN that is empty or too long, a minimum above the maximum).
class WEFT_EXPORT context {
 public:
  static context client(const client_settings& settings = {});
  static context client(const client_settings& settings, std::error_code& error);
  static context server(const server_settings& settings);
  static context server(const server_settings& settings, std::error_code& error);

  /// New streams show this certificate; those that exist go on with what they have. Clients of a server may still resume
  /// their sessions; sessions kept by a client context are forgotten. On failure everything is as before.
  void reload(const identity& own);
  void reload(const identity& own, std::error_code& error);

  /// No context: streams cannot be made with it.
  context() noexcept = default;
  [[nodiscard]] explicit operator bool() const noexcept { return state_ != nullptr; }

 private:
  friend class stream;
  explicit context(std::shared_ptr<detail::tls_context> state) noexcept : state_(std::move(state)) {}
  std::shared_ptr<detail::tls_context> state_;
};

}  // namespace tls
}  // namespace weft::inline v0
