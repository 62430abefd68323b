// The hook into net::resolve, and the initializer that sets it.
#include <weft/dns/install.hpp>

#include "dns/error.hpp"              // as_getaddrinfo
#include <weft/dns/error.hpp>         // error_category
#include <weft/dns/resolver.hpp>      // resolver
#include <weft/net/error.hpp>         // resolve_category
#include <weft/net/resolve_hook.hpp>  // set_resolve_function

// Linking with weft::dns asks for this name ("-u"), so that the linker takes this file out of the archive, and with it
// the initializer, although nobody calls anything here.
extern "C" {
extern WEFT_EXPORT const bool weft_dns_installed;
}

namespace weft::inline v0::dns {
namespace {

// Programs that know nothing of c-ares get the errors that net::resolve promises.
std::vector<net::endpoint> resolve(std::string_view host, std::string_view service, std::error_code& error) {
  static resolver& shared = *new resolver;  // never destroyed: fibers may look names up until the process ends
  auto found = shared.resolve(host, service, error);
  if (error.category() == error_category()) {
    error = std::error_code(as_getaddrinfo(error.value()), net::resolve_category());
  }
  return found;
}

}  // namespace

void install() noexcept { net::set_resolve_function(&resolve); }

void uninstall() noexcept { net::set_resolve_function(nullptr); }

}  // namespace weft::inline v0::dns

const bool weft_dns_installed = (weft::dns::install(), true);
