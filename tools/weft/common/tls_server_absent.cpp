// The twin of tls_server.cpp where weft::tls is not built.
#include "common/failure.hpp"     // failure
#include "common/tls_server.hpp"  // tls_server

namespace weft::tool {

std::unique_ptr<tls_server> tls_server::open(const certificate_files& /*files*/) {
  throw failure{
      "--cert and --key: this weft was built without TLS; install OpenSSL 3 with its headers (libssl-dev) and build it "
      "again"};
}

}  // namespace weft::tool
