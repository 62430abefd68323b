// The door to OpenSSL: what belongs to the thread there (the queue of errors) does not outlive a section of calls.
#pragma once
#include <system_error>  // error_code

#include <openssl/err.h>  // the error queue

#include <weft/base/config.hpp>
#include <weft/sched/this_fiber.hpp>  // no_suspend

namespace weft::inline v0::detail {

// Around each group of calls. OpenSSL keeps errors in a queue of the thread, which other fibers and strangers use too: it
// is empty when the section begins and when it ends, and nobody else runs in between, because nothing suspends in it.
class openssl_section {
 public:
  openssl_section() noexcept : no_suspend_("inside of OpenSSL") { ERR_clear_error(); }
  ~openssl_section() { ERR_clear_error(); }
  openssl_section(const openssl_section&) = delete;
  openssl_section& operator=(const openssl_section&) = delete;

 private:
  no_suspend no_suspend_;
};

// What failed, in a section: the first error of the queue that is one of TLS (what the ciphers below say means less), else
// the first. Empties some of the queue. A failure without any is shortage of memory.
std::error_code openssl_error() noexcept;
// Why a certificate was refused: an X509_V_ERR_*.
std::error_code verify_error(long result) noexcept;

}  // namespace weft::inline v0::detail
