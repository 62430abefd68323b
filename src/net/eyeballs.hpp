// One connection to whichever of a host's addresses answers first: Happy Eyeballs, RFC 8305.
#pragma once
#include <chrono>        // milliseconds
#include <span>          // span
#include <string>        // string
#include <system_error>  // error_code
#include <vector>        // vector

#include "net/socket.hpp"
#include <weft/net/endpoint.hpp>  // endpoint

namespace weft::inline v0::detail {

// How long an attempt is waited for before the next one starts beside it, as the RFC recommends.
constexpr std::chrono::milliseconds connection_attempt_delay{250};

struct failed_attempt {
  net::endpoint to;
  std::error_code why;
};

// Families take turns, beginning with the first's; within a family the order stays.
std::vector<net::endpoint> interleave_families(std::span<const net::endpoint> found);

// Starts attempts in order, the next one when `delay` has passed or one has failed, until one succeeds; the others are
// given up. \return no descriptor: `error` says why, the most telling of `failures` when all have failed.
// Cancellation point. \pre `to` is not empty
descriptor connect_to_any(std::span<const net::endpoint> to, time_point::duration delay, time_limit& limit,
                          const char* what, std::vector<failed_attempt>& failures, std::error_code& error);

// That a family is not there says less than what became of an attempt over another. \pre not empty
std::error_code most_telling(std::span<const failed_attempt> failures) noexcept;
// " ([::1]:80: Network is unreachable; 127.0.0.1:80: Connection refused)"; nothing for none.
std::string list_failures(std::span<const failed_attempt> failures);

}  // namespace weft::inline v0::detail
