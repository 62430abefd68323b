// Endpoints: what is read, what is refused, and that text survives the way there and back.
#include <weft/net/endpoint.hpp>

#include <ostream>  // ostream
#include <set>      // set
#include <string>   // string

#include <netinet/in.h>  // sockaddr_in
#include <sys/socket.h>  // AF_INET
#include <sys/un.h>      // sockaddr_un

#include <gtest/gtest.h>

namespace {

using weft::net::endpoint;

struct good_case {
  const char* text;
  int family;
  int port;
  const char* printed;  // null: as read
};

void PrintTo(const good_case& c, std::ostream* out) { *out << c.text; }

class ReadableEndpoint : public testing::TestWithParam<good_case> {};

TEST_P(ReadableEndpoint, IsReadAndPrintedBack) {
  const good_case& c = GetParam();
  const endpoint e = endpoint::parse(c.text);
  EXPECT_EQ(e.family(), c.family);
  EXPECT_EQ(e.port(), c.port);
  EXPECT_EQ(e.to_string(), c.printed == nullptr ? c.text : c.printed);
  EXPECT_EQ(endpoint::parse(e.to_string()), e);
  EXPECT_EQ(endpoint::from_sockaddr(e.data(), e.size()), e);
  std::error_code error = std::make_error_code(std::errc::io_error);
  EXPECT_EQ(endpoint::parse(c.text, error), e);
  EXPECT_FALSE(error);
}

INSTANTIATE_TEST_SUITE_P(Table, ReadableEndpoint,
                         testing::Values(good_case{"127.0.0.1:80", AF_INET, 80, nullptr},
                                         good_case{"0.0.0.0:0", AF_INET, 0, nullptr},
                                         good_case{"255.255.255.255:65535", AF_INET, 65535, nullptr},
                                         good_case{"[::1]:80", AF_INET6, 80, nullptr},
                                         good_case{"[::]:0", AF_INET6, 0, nullptr},
                                         good_case{"[2001:DB8:0:0:0:0:0:1]:443", AF_INET6, 443, "[2001:db8::1]:443"},
                                         good_case{"[::ffff:1.2.3.4]:5", AF_INET6, 5, nullptr},
                                         good_case{"[fe80::1%lo]:7", AF_INET6, 7, nullptr},
                                         good_case{"[fe80::1%1]:7", AF_INET6, 7, "[fe80::1%lo]:7"},
                                         good_case{"unix:/run/x.sock", AF_UNIX, 0, nullptr},
                                         good_case{"unix:relative name", AF_UNIX, 0, nullptr},
                                         good_case{"unix:@abstract", AF_UNIX, 0, nullptr}));

struct bad_case {
  std::string text;
  const char* says;
};

void PrintTo(const bad_case& c, std::ostream* out) { *out << testing::PrintToString(c.text); }

class UnreadableEndpoint : public testing::TestWithParam<bad_case> {};

TEST_P(UnreadableEndpoint, IsRefusedWithTheTextAndTheReason) {
  const bad_case& c = GetParam();
  try {
    endpoint::parse(c.text);
    FAIL() << "accepted: " << c.text;
  } catch (const std::system_error& e) {
    EXPECT_EQ(e.code(), std::errc::invalid_argument);
    EXPECT_NE(std::string(e.what()).find(c.says), std::string::npos) << e.what();
  }
  std::error_code error;
  EXPECT_EQ(endpoint::parse(c.text, error), endpoint{});
  EXPECT_EQ(error, std::errc::invalid_argument);
}

INSTANTIATE_TEST_SUITE_P(
    Table, UnreadableEndpoint,
    testing::Values(bad_case{"", "port are missing"}, bad_case{"127.0.0.1", "port are missing"},
                    bad_case{"127.0.0.1:", "port is missing"}, bad_case{"127.0.0.1:65536", "0 to 65535"},
                    bad_case{"127.0.0.1:-1", "0 to 65535"}, bad_case{"127.0.0.1:80x", "0 to 65535"},
                    bad_case{"127.0.0.1: 80", "0 to 65535"}, bad_case{"127.0.0.1:+80", "0 to 65535"},
                    bad_case{"localhost:80", "not an IPv4"}, bad_case{"127.0.0:80", "not an IPv4"},
                    bad_case{"1.2.3.4.5:80", "not an IPv4"}, bad_case{"::1:80", "brackets"},
                    bad_case{"[::1:80", "']' is missing"}, bad_case{"[::1]", "port are missing"},
                    bad_case{"[::1]80", "port are missing"}, bad_case{"[::1]:", "port is missing"},
                    bad_case{"[:::1]:80", "not an IPv6"}, bad_case{"[1.2.3.4]:80", "not an IPv6"},
                    bad_case{"[]:80", "not an IPv6"}, bad_case{"[fe80::1%no-such-interface]:80", "no such interface"},
                    bad_case{"[fe80::1%]:80", "no such interface"}, bad_case{"unix:", "empty"},
                    bad_case{"unix:@", "empty"}, bad_case{std::string("unix:/a\0b", 9), "zero byte"},
                    bad_case{std::string("1.2.3.4\0:80", 11), "not an IPv4"}));

TEST(Endpoint, RefusesUnixNamesThatDoNotFit) {
  const std::string longest(sizeof(sockaddr_un::sun_path) - 1, 'x');
  EXPECT_EQ(endpoint::parse("unix:" + longest).to_string(), "unix:" + longest);
  std::error_code error;
  endpoint::parse("unix:" + longest + "x", error);
  EXPECT_EQ(error, std::errc::filename_too_long);
}

TEST(Endpoint, WithoutAnAddressSaysSo) {
  const endpoint none;
  EXPECT_EQ(none.family(), AF_UNSPEC);
  EXPECT_EQ(none.port(), 0);
  EXPECT_EQ(none.to_string(), "unspecified");
  EXPECT_EQ(none, endpoint{});
}

TEST(Endpoint, RefusesForeignSockaddrs) {
  sockaddr odd{};
  odd.sa_family = AF_APPLETALK;
  EXPECT_THROW(endpoint::from_sockaddr(&odd, sizeof odd), std::system_error);
  sockaddr_in cut{};
  cut.sin_family = AF_INET;
  EXPECT_THROW(endpoint::from_sockaddr(&cut, sizeof cut - 1), std::system_error);
  EXPECT_THROW(endpoint::from_sockaddr(&cut, 1), std::system_error);
}

TEST(Endpoint, FromSockaddrTellsFailureByErrorCodeToo) {
  sockaddr odd{};
  odd.sa_family = AF_APPLETALK;
  std::error_code error;
  EXPECT_EQ(endpoint::from_sockaddr(&odd, sizeof odd, error), endpoint{});
  EXPECT_EQ(error, std::errc::address_family_not_supported);
  const endpoint good = endpoint::parse("127.0.0.1:80");
  EXPECT_EQ(endpoint::from_sockaddr(good.data(), good.size(), error), good);
  EXPECT_FALSE(error);
}

TEST(Endpoint, PortsCanBeReplaced) {
  EXPECT_EQ(endpoint::parse("127.0.0.1:1").with_port(8080), endpoint::parse("127.0.0.1:8080"));
  EXPECT_EQ(endpoint::parse("[::1]:1").with_port(2), endpoint::parse("[::1]:2"));
}

TEST(Endpoint, IsOrderedAndComparable) {
  std::set<endpoint> all;
  for (const char* text : {"127.0.0.1:80", "127.0.0.1:81", "[::1]:80", "unix:/a", "unix:/ab", "127.0.0.1:80"}) {
    all.insert(endpoint::parse(text));
  }
  EXPECT_EQ(all.size(), 5U);
  EXPECT_NE(endpoint::parse("unix:/a"), endpoint::parse("unix:/ab"));
}

}  // namespace
