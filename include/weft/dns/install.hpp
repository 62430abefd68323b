/// \file   weft/dns/install.hpp
/// \brief  Whether net::resolve uses c-ares. Linking weft::dns installs it; these are for programs that change their mind.
#pragma once
#include <weft/base/config.hpp>  // WEFT_EXPORT

namespace weft::inline v0::dns {

/// net::resolve, and with it tcp_stream::connect(host, port), uses c-ares from now on. A program linked with weft::dns by CMake
/// or pkg-config need not call it; one that names the library to its linker by other means may have to. Any thread, any
/// number of times.
WEFT_EXPORT void install() noexcept;
/// net::resolve uses getaddrinfo on the blocking pool again. Any thread; look-ups under way go on.
WEFT_EXPORT void uninstall() noexcept;

}  // namespace weft::inline v0::dns
