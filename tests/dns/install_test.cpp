// Linking weft::dns is enough: this program was linked with it, and net::resolve uses c-ares.
#include <weft/dns/install.hpp>

#include <netdb.h>  // EAI_*

#include <gtest/gtest.h>
#include <weft/net/resolve.hpp>
#include <weft/net/resolve_hook.hpp>
#include <weft/sched/runtime.hpp>

namespace {

namespace net = weft::net;

TEST(Install, ResolveIsHookedByBeingLinked) { EXPECT_NE(net::current_resolve_function(), nullptr); }

TEST(Install, CanBeTakenBackAndRepeated) {
  const auto hooked = net::current_resolve_function();
  weft::dns::uninstall();
  EXPECT_EQ(net::current_resolve_function(), nullptr);
  EXPECT_EQ(net::resolve("127.0.0.1", "80").size(), 1U);  // getaddrinfo
  weft::dns::install();
  weft::dns::install();
  EXPECT_EQ(net::current_resolve_function(), hooked);
}

TEST(Install, ResolveKeepsItsPromisesWithCares) {
  ASSERT_NE(net::current_resolve_function(), nullptr);
  weft::run([] {
    const auto found = net::resolve("localhost", "80");
    ASSERT_FALSE(found.empty());
    EXPECT_EQ(found.front().port(), 80);
    std::error_code error;
    EXPECT_TRUE(net::resolve("", "80", error).empty());
    EXPECT_EQ(error, std::error_code(EAI_NONAME, net::resolve_category()));
    EXPECT_TRUE(net::resolve("localhost", "no-such-service", error).empty());
    EXPECT_EQ(error, std::error_code(EAI_SERVICE, net::resolve_category()));
  });
}

}  // namespace
