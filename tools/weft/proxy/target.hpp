// Where a proxy's connections go: an address, or a name that is looked up anew for each of them.
#pragma once
#include <chrono>        // steady_clock
#include <string>        // string
#include <system_error>  // error_code

#include <weft/net/endpoint.hpp>  // endpoint

#include "common/any_stream.hpp"  // any_stream

namespace weft::tool {

class target {
 public:
  // "127.0.0.1:80", "[::1]:80", "unix:/run/x.sock", "db.example:5432", "db.example:postgresql". Looks nothing up.
  // \throws failure
  explicit target(const std::string& text);

  // Tries the addresses in order until the deadline; the last failure is the one reported.
  any_stream connect(std::chrono::steady_clock::time_point deadline, std::error_code& error) const;
  const std::string& name() const noexcept { return name_; }

 private:
  std::string name_, host_, service_;  // host_ is empty when at_ says it all
  net::endpoint at_;
};

}  // namespace weft::tool
