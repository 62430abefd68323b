// weft::dns beside dig: both ask the same server, and must find the same.
#include <algorithm>  // sort
#include <sstream>    // istringstream
#include <string>     // string
#include <vector>     // vector

#include <gtest/gtest.h>
#include <weft/dns/resolver.hpp>
#include <weft/io/process.hpp>
#include <weft/sched/runtime.hpp>

#include "dns/name_server.hpp"

namespace {

using namespace weft_test;
namespace dns = weft::dns;
using kind = answer::kind;

std::string dig(const name_server& server, const std::string& name, const std::string& type, const std::string& how) {
  const auto done = weft::process::run({"dig", "-r", "@127.0.0.1", "-p", std::to_string(server.endpoint().port()),
                                        "+tries=1", "+time=60", how, name, type});
  EXPECT_TRUE(done.status.success()) << done.output << done.error;
  return done.output;
}

// The addresses that dig prints; names end with a dot.
std::vector<std::string> addresses_by_dig(const name_server& server, const std::string& name) {
  std::vector<std::string> found;
  for (const char* const type : {"A", "AAAA"}) {
    std::istringstream lines(dig(server, name, type, "+short"));
    for (std::string line; std::getline(lines, line);) {
      if (!line.empty() && line.back() != '.') found.push_back(line);
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

TEST(Dig, FindsWhatTheResolverFinds) {
  name_server server({{"both.example", {.v4 = {"192.0.2.1", "192.0.2.2"}, .v6 = {"2001:db8::1"}}},
                      {"four.example", {.v4 = {"192.0.2.4"}}},
                      {"six.example", {.v6 = {"2001:db8::6"}}},
                      {"alias.example", {.v4 = {"192.0.2.7"}, .v6 = {"2001:db8::7"}, .alias_of = "real.example"}},
                      {"long.example", {.what = kind::only_over_tcp, .v4 = {"192.0.2.8"}, .v6 = {"2001:db8::8"}}},
                      {"broken.example", {.what = kind::failure}}});
  const dns::resolver_options asking{.servers = {server.endpoint()},
                                     .search = std::vector<std::string>{},
                                     .timeout = std::chrono::seconds(60),
                                     .tries = 1,
                                     .hosts_file = false};
  weft::run({.workers = 1}, [&] {
    std::error_code
        missing;  // ./dev test installs it where it can be had; without, nothing is claimed: counted as skipped
    weft::process::spawn({"dig", "-v"}, {.error = weft::stdio::null()}, missing);
    if (missing) GTEST_SKIP() << "no dig";
    dns::resolver resolver(asking);
    for (const char* const name : {"both.example", "four.example", "six.example", "alias.example", "long.example"}) {
      std::vector<std::string> found;
      for (const auto& at : resolver.resolve(name, "0")) {
        const std::string text = at.to_string();  // "192.0.2.1:0", "[2001:db8::1]:0"
        found.push_back(text[0] == '[' ? text.substr(1, text.rfind(']') - 1) : text.substr(0, text.rfind(':')));
      }
      std::sort(found.begin(), found.end());
      EXPECT_FALSE(found.empty()) << name;
      EXPECT_EQ(found, addresses_by_dig(server, name)) << name;
    }
    std::error_code error;
    resolver.resolve("absent.example", "0", error);
    EXPECT_TRUE(error);
    EXPECT_NE(dig(server, "absent.example", "A", "+noedns").find("status: NXDOMAIN"), std::string::npos);
    resolver.resolve("broken.example", "0", error);
    EXPECT_TRUE(error);
    EXPECT_NE(dig(server, "broken.example", "A", "+noedns").find("status: SERVFAIL"), std::string::npos);
  });
}

}  // namespace
