// The error categories of the net layer.
#include <weft/net/error.hpp>

#include <string>  // string

#include <netdb.h>  // gai_strerror

namespace weft::inline v0::net {
namespace {

class net_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "weft.net"; }
  std::string message(int value) const override {
    return value == static_cast<int>(error::end_of_stream) ? "end of stream" : "unknown error";
  }
};

class getaddrinfo_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "weft.resolve"; }
  std::string message(int value) const override { return ::gai_strerror(value); }
};

}  // namespace

const std::error_category& error_category() noexcept {
  static const net_category category;
  return category;
}

const std::error_category& resolve_category() noexcept {
  static const getaddrinfo_category category;
  return category;
}

}  // namespace weft::inline v0::net
