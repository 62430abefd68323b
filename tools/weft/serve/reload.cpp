// Reloading, on a fiber of its own: a disk that does not answer must keep neither connections nor signals waiting.
#include "serve/reload.hpp"

#include <cstdio>        // fprintf
#include <exception>     // exception
#include <system_error>  // system_error

#include <weft/io/blocking.hpp>  // blocking

namespace weft::tool {
namespace {

void reload_certificate(const serve_options& options, tls_server& secure) {
  try {
    secure.reload();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "weft: the old certificate stays: %s\n", e.what());
    return;
  }
  if (!options.quiet) {
    std::fprintf(stderr, "weft: new connections see the certificate now in %s\n", options.certificate.chain.c_str());
  }
}

void reopen_log(const serve_options& options, access_log& log) {
  try {
    log.reopen();
  } catch (const std::system_error& e) {
    std::fprintf(stderr, "weft: the old log stays: cannot write the log %s: %s\n", options.log.c_str(),
                 e.code().message().c_str());
    return;
  }
  if (!options.quiet) {
    std::fprintf(stderr, "weft: the log goes on in %s\n", options.log.c_str());
  }
}

}  // namespace

bool has_files_to_reload(const serve_options& options) {
  return !options.certificate.chain.empty() || (options.log != "off" && options.log != "-");
}

void reload_files(const serve_options& options, shared_state& state, counting_semaphore<>& hangups) {
  for (;;) {
    hangups.acquire();
    if (state.live.stopping()) {
      return;
    }
    try {
      weft::blocking([&] {
        if (state.log && state.log->is_file()) {
          reopen_log(options, *state.log);
        }
        if (state.secure) {
          reload_certificate(options, *state.secure);
        }
      });
    } catch (const std::system_error& e) {  // no thread to be had
      std::fprintf(stderr, "weft: cannot reload now: %s\n", e.code().message().c_str());
    }
  }
}

}  // namespace weft::tool
