// Names to endpoints: what needs no name server.
#include <weft/net/resolve.hpp>

#include <string>       // string
#include <string_view>  // string_view
#include <vector>       // vector

#include <netdb.h>  // EAI_NONAME

#include <gtest/gtest.h>
#include <weft/net/resolve_hook.hpp>
#include <weft/net/tcp_stream.hpp>

#include "net/loopback.hpp"

namespace {

using namespace weft_test;
using namespace std::string_view_literals;
namespace net = weft::net;

class Resolve : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, Resolve, testing::Values(1U, 2U));

TEST_P(Resolve, NumbersAreReadWithoutLookUp) {
  weft::run(workers(GetParam()), [] {
    const auto v4 = net::resolve("127.0.0.1", "80");
    ASSERT_EQ(v4.size(), 1U);
    EXPECT_EQ(v4[0], net::endpoint::parse("127.0.0.1:80"));
    const auto v6 = net::resolve("::1", "81");
    ASSERT_EQ(v6.size(), 1U);
    EXPECT_EQ(v6[0], net::endpoint::parse("[::1]:81"));
  });
}

// The system reads names up to a zero byte: what the caller has checked must not be more than what is looked up.
TEST_P(Resolve, ANameWithAZeroByteIsUnknown) {
  weft::run(workers(GetParam()), [] {
    const std::error_code unknown(EAI_NONAME, net::resolve_category());
    std::error_code error;
    EXPECT_TRUE(net::resolve("127.0.0.1\0.example"sv, "80", error).empty());
    EXPECT_EQ(error, unknown);
    EXPECT_TRUE(net::resolve("127.0.0.1",
                             "80\0"
                             "80"sv,
                             error)
                    .empty());
    EXPECT_EQ(error, unknown);
    EXPECT_FALSE(net::tcp_stream::connect("127.0.0.1\0.example"sv, 80, error).is_open());
    EXPECT_EQ(error, unknown);
    EXPECT_THROW(net::resolve("127.0.0.1\0"sv, "80"), std::system_error);
  });
}

TEST_P(Resolve, IsACancellationPoint) {
  weft::run(workers(GetParam()), [] {
    auto stopped = weft::spawn([] {
      weft::this_fiber::yield();
      std::error_code error;
      net::resolve("127.0.0.1\0"sv, "80", error);
    });
    stopped.request_stop();
    EXPECT_THROW(stopped.join(), weft::cancelled);
    auto stopped_before_it_asks = weft::spawn([] {
      weft::this_fiber::yield();
      net::resolve("127.0.0.1", "80");
    });
    stopped_before_it_asks.request_stop();
    EXPECT_THROW(stopped_before_it_asks.join(), weft::cancelled);
  });
}

TEST(ResolveInAFiber, LetsOthersRunMeanwhile) {
  weft::run(workers(1), [] {
    bool ran = false;
    auto other = weft::spawn([&] { ran = true; });
    EXPECT_FALSE(net::resolve("127.0.0.1", "80").empty());
    EXPECT_TRUE(ran) << "the only worker looked up the name itself";
    other.join();
  });
}

// What another library would hook in.
std::vector<net::endpoint> hooked(std::string_view host, std::string_view service, std::error_code& error) {
  EXPECT_FALSE(error);
  if (host == "absent") {
    error = std::error_code(EAI_NONAME, net::resolve_category());
    return {};
  }
  return {net::endpoint::parse("192.0.2.1:" + std::string(service))};
}

TEST_P(Resolve, AsksWhatIsHookedInAndThenTheSystemAgain) {
  weft::run(workers(GetParam()), [] {
    ASSERT_EQ(net::set_resolve_function(&hooked), nullptr);
    EXPECT_EQ(net::current_resolve_function(), &hooked);
    EXPECT_EQ(net::resolve("anything", "80"), std::vector{net::endpoint::parse("192.0.2.1:80")});
    std::error_code error = std::make_error_code(std::errc::io_error);
    EXPECT_TRUE(net::resolve("absent", "80", error).empty());
    EXPECT_EQ(error, std::error_code(EAI_NONAME, net::resolve_category()));
    EXPECT_TRUE(net::resolve("zero\0byte"sv, "80", error).empty());  // which the hook never sees
    EXPECT_EQ(net::set_resolve_function(nullptr), &hooked);
    EXPECT_EQ(net::resolve("127.0.0.1", "80"), std::vector{net::endpoint::parse("127.0.0.1:80")});
  });
}

}  // namespace
