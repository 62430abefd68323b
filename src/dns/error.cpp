// c-ares' statuses as an error category, and what getaddrinfo would have said.
#include <weft/dns/error.hpp>

#include <string>  // string

#include <ares.h>   // ARES_E*, ares_strerror
#include <netdb.h>  // EAI_*

#include "dns/error.hpp"
#include <weft/net/error.hpp>  // resolve_category

namespace weft::inline v0::dns {
namespace {

class ares_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "weft.dns"; }
  std::string message(int value) const override { return ::ares_strerror(value); }
  std::error_condition default_error_condition(int value) const noexcept override {
    return {as_getaddrinfo(value), net::resolve_category()};
  }
  bool equivalent(int value, const std::error_condition& condition) const noexcept override {
    return default_error_condition(value) == condition || (value == ARES_ETIMEOUT && condition == std::errc::timed_out);
  }
};

}  // namespace

const std::error_category& error_category() noexcept {
  static const ares_category category;
  return category;
}

int as_getaddrinfo(int status) noexcept {
  switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENONAME:
    case ARES_EBADNAME:
      return EAI_NONAME;
    case ARES_ENODATA:
      return EAI_NODATA;
    case ARES_ETIMEOUT:
    case ARES_ESERVFAIL:
    case ARES_EREFUSED:
    case ARES_ECONNREFUSED:
      return EAI_AGAIN;
    case ARES_ESERVICE:
      return EAI_SERVICE;
    case ARES_ENOMEM:
      return EAI_MEMORY;
    case ARES_EBADFAMILY:
      return EAI_FAMILY;
    default:
      return EAI_FAIL;
  }
}

}  // namespace weft::inline v0::dns
