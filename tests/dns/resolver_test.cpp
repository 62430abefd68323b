// weft::dns::resolver against a name server that does what it is told.
#include <weft/dns/resolver.hpp>

#include <algorithm>   // sort, find, count
#include <atomic>      // atomic
#include <cstdlib>     // setenv
#include <filesystem>  // temp_directory_path
#include <fstream>     // ofstream
#include <functional>  // function

#include <netdb.h>         // EAI_*
#include <sys/resource.h>  // setrlimit
#include <unistd.h>        // getpid

#include <gtest/gtest.h>
#include <weft/io/blocking.hpp>
#include <weft/net/error.hpp>
#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>
#include <weft/task/deadline.hpp>
#include <weft/task/scope.hpp>

#include "dns/name_server.hpp"

namespace {

using namespace weft_test;
using namespace std::chrono_literals;
using namespace std::string_view_literals;
namespace dns = weft::dns;
namespace net = weft::net;
using kind = answer::kind;

// Asks that server only: no hosts file, no search, and no test waits for a time to pass unless it says so.
dns::resolver_options asking(const name_server& server) {
  return {.servers = {server.endpoint()},
          .search = std::vector<std::string>{},
          .timeout = 60s,
          .tries = 1,
          .hosts_file = false};
}

std::vector<std::string> texts(const std::vector<net::endpoint>& endpoints) {
  std::vector<std::string> out;
  for (const auto& at : endpoints) {
    out.push_back(at.to_string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::error_condition like_getaddrinfo(int value) { return {value, net::resolve_category()}; }

// A file that goes with its test.
class temporary_file {
 public:
  temporary_file(const std::string& name, const std::string& content)
      : path_(std::filesystem::temp_directory_path() / (name + "." + std::to_string(::getpid()))) {
    std::ofstream(path_) << content;
  }
  ~temporary_file() { std::filesystem::remove(path_); }
  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

class Resolver : public testing::TestWithParam<unsigned> {
 protected:
  void run(const std::function<void()>& main) {
    weft::run(weft::runtime_options{.workers = GetParam()}, [&] { main(); });
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, Resolver, testing::Values(1U, 2U));

TEST_P(Resolver, FindsTheAddressesOfBothFamilies) {
  name_server server({{"both.example", {.v4 = {"192.0.2.1", "192.0.2.2"}, .v6 = {"2001:db8::1"}}},
                      {"four.example", {.v4 = {"192.0.2.4"}}},
                      {"six.example", {.v6 = {"2001:db8::6"}}}});
  dns::resolver resolver(asking(server));
  run([&] {
    EXPECT_EQ(texts(resolver.resolve("both.example", "80")),
              (std::vector<std::string>{"192.0.2.1:80", "192.0.2.2:80", "[2001:db8::1]:80"}));
    EXPECT_EQ(texts(resolver.resolve("four.example", "80")), std::vector<std::string>{"192.0.2.4:80"});
    EXPECT_EQ(texts(resolver.resolve("six.example", "80")), std::vector<std::string>{"[2001:db8::6]:80"});
  });
}

TEST_P(Resolver, FollowsAnAlias) {
  name_server server({{"alias.example", {.v4 = {"192.0.2.7"}, .alias_of = "real.example"}}});
  dns::resolver resolver(asking(server));
  run([&] { EXPECT_EQ(texts(resolver.resolve("alias.example", "1")), std::vector<std::string>{"192.0.2.7:1"}); });
}

TEST_P(Resolver, AsksAgainOverTcpWhenAnAnswerWasCut) {
  name_server server({{"long.example", {.what = kind::only_over_tcp, .v4 = {"192.0.2.8"}, .v6 = {"2001:db8::8"}}}});
  dns::resolver resolver(asking(server));
  run([&] {
    EXPECT_EQ(texts(resolver.resolve("long.example", "1")),
              (std::vector<std::string>{"192.0.2.8:1", "[2001:db8::8]:1"}));
  });
  const auto asked = server.asked();
  EXPECT_EQ(std::count(asked.begin(), asked.end(), "long.example"), 2);
  EXPECT_EQ(std::count(asked.begin(), asked.end(), "long.example/tcp"), 2);
}

TEST_P(Resolver, WorksOnAPlainThread) {
  name_server server({{"a.example", {.v4 = {"192.0.2.1"}}}});
  dns::resolver resolver(asking(server));
  EXPECT_EQ(texts(resolver.resolve("a.example", "80")), std::vector<std::string>{"192.0.2.1:80"});
}

TEST_P(Resolver, WorksOnASmallStack) {
  name_server server({{"a.example", {.v4 = {"192.0.2.1"}, .v6 = {"2001:db8::1"}}}});
  dns::resolver resolver(asking(server));
  run([&] {
    for (const std::size_t bytes : {16U << 10, 32U << 10, 64U << 10}) {  // on threads of the pool, or here
      weft::spawn(weft::fiber_options{.stack_size = bytes}, [&] {
        EXPECT_EQ(resolver.resolve("a.example", "80").size(), 2U);
      }).join();
    }
  });
}

TEST_P(Resolver, SaysWhatIsWrongAsGetaddrinfoWould) {
  name_server server({{"empty.example", {}},
                      {"broken.example", {.what = kind::failure}},
                      {"refused.example", {.what = kind::failure, .error = 5}},
                      {"rubbish.example", {.what = kind::rubbish}}});
  auto options = asking(server);
  options.timeout = 10ms;  // rubbish is passed over: somebody else may have sent it
  dns::resolver resolver(options);
  run([&] {
    const auto error_of = [&](std::string_view host, std::string_view service = "80") {
      std::error_code error;
      EXPECT_TRUE(resolver.resolve(host, service, error).empty());
      EXPECT_EQ(error.category(), dns::error_category());
      EXPECT_FALSE(error.message().empty());
      return error;
    };
    EXPECT_EQ(error_of("absent.example"), like_getaddrinfo(EAI_NONAME));
    EXPECT_EQ(error_of("empty.example"), like_getaddrinfo(EAI_NODATA));
    EXPECT_EQ(error_of("broken.example"), like_getaddrinfo(EAI_AGAIN));
    EXPECT_EQ(error_of("refused.example"), like_getaddrinfo(EAI_AGAIN));
    EXPECT_TRUE(static_cast<bool>(error_of("rubbish.example")));
    EXPECT_EQ(error_of(""), like_getaddrinfo(EAI_NONAME));
    EXPECT_EQ(error_of("a\0.example"sv), like_getaddrinfo(EAI_NONAME));
    EXPECT_EQ(error_of("a.example", "8\0"sv), like_getaddrinfo(EAI_NONAME));
    EXPECT_EQ(error_of("a.example", "65536"), like_getaddrinfo(EAI_SERVICE));
    EXPECT_EQ(error_of("a.example", "no-such-service"), like_getaddrinfo(EAI_SERVICE));
    try {
      resolver.resolve("absent.example", "80");
      ADD_FAILURE() << "found what is not there";
    } catch (const std::system_error& e) {
      EXPECT_NE(std::string(e.what()).find("absent.example:80"), std::string::npos);
    }
  });
}

TEST_P(Resolver, SaysThatNobodyAnswers) {
  name_server server({{"silent.example", {.what = kind::silence}}});
  auto options = asking(server);
  options.timeout = 5ms;
  options.tries = 2;
  dns::resolver resolver(options);
  run([&] {
    std::error_code error;
    resolver.resolve("silent.example", "80", error);
    EXPECT_EQ(error, like_getaddrinfo(EAI_AGAIN));
    EXPECT_EQ(error, std::errc::timed_out);
  });
  EXPECT_EQ(server.asked().size(), 4U);  // both families, twice
}

TEST_P(Resolver, SaysThatThereIsNoServer) {
  dns::resolver_options options;
  {
    name_server server({});
    options = asking(server);
  }
  options.timeout = 20ms;  // where no ICMP tells that the port is closed
  dns::resolver resolver(options);
  run([&] {
    std::error_code error;
    resolver.resolve("a.example", "80", error);
    EXPECT_EQ(error, like_getaddrinfo(EAI_AGAIN)) << error.message();
  });
}

TEST_P(Resolver, AsksTheNextServerWhenOneFails) {
  name_server bad({{"a.example", {.what = kind::failure}}});
  name_server good({{"a.example", {.v4 = {"192.0.2.1"}}}});
  auto options = asking(bad);
  options.servers.push_back(good.endpoint());
  dns::resolver resolver(options);
  run([&] { EXPECT_EQ(texts(resolver.resolve("a.example", "80")), std::vector<std::string>{"192.0.2.1:80"}); });
  EXPECT_FALSE(bad.asked().empty());
}

TEST_P(Resolver, NumbersNeedNoServer) {
  name_server server({});
  dns::resolver resolver(asking(server));
  run([&] {
    EXPECT_EQ(texts(resolver.resolve("127.0.0.1", "80")), std::vector<std::string>{"127.0.0.1:80"});
    EXPECT_EQ(texts(resolver.resolve("::1", "81")), std::vector<std::string>{"[::1]:81"});
    EXPECT_EQ(texts(resolver.resolve("fe80::1%1", "82")), (texts({net::endpoint::parse("[fe80::1%1]:82")})));
    EXPECT_EQ(texts(resolver.resolve("127.0.0.1", "")), std::vector<std::string>{"127.0.0.1:0"});
  });
  EXPECT_TRUE(server.asked().empty());
}

TEST_P(Resolver, KnowsServicesByName) {
  if (::getservbyname("http", "tcp") == nullptr) {
    GTEST_SKIP() << "no /etc/services here";
  }
  name_server server({{"a.example", {.v4 = {"192.0.2.1"}}}});
  dns::resolver resolver(asking(server));
  run([&] {
    EXPECT_EQ(texts(resolver.resolve("a.example", "http")), std::vector<std::string>{"192.0.2.1:80"});
    EXPECT_EQ(texts(resolver.resolve("::1", "http")), std::vector<std::string>{"[::1]:80"});
  });
}

TEST_P(Resolver, TriesTheSearchDomainsForShortNames) {
  name_server server({{"host.two.example", {.v4 = {"192.0.2.1"}}}, {"a.b", {.v4 = {"192.0.2.2"}}}});
  auto options = asking(server);
  options.search = std::vector<std::string>{"one.example", "two.example"};
  options.ndots = 1;
  dns::resolver resolver(options);
  run([&] {
    EXPECT_EQ(texts(resolver.resolve("host", "80")), std::vector<std::string>{"192.0.2.1:80"});
    EXPECT_EQ(texts(resolver.resolve("a.b", "80")), std::vector<std::string>{"192.0.2.2:80"});
  });
  const auto asked = server.asked();
  EXPECT_LT(std::find(asked.begin(), asked.end(), "host.one.example"),
            std::find(asked.begin(), asked.end(), "host.two.example"));
  EXPECT_EQ(std::count(asked.begin(), asked.end(), "a.b.one.example"), 0);
}

TEST_P(Resolver, ReadsItsSettingsFromAFile) {
  name_server server({{"host.from.file", {.v4 = {"192.0.2.1"}}}});
  const temporary_file conf("weft-resolv", "search from.file\noptions ndots:1\n");
  auto options = asking(server);
  options.search.reset();
  options.resolv_conf = conf.path();
  dns::resolver resolver(options);
  run([&] { EXPECT_EQ(texts(resolver.resolve("host", "80")), std::vector<std::string>{"192.0.2.1:80"}); });
}

TEST_P(Resolver, LooksIntoTheHostsFileFirst) {
  name_server server({{"elsewhere.example", {.v4 = {"192.0.2.1"}}}});
  const temporary_file hosts("weft-hosts", "192.0.2.50 here.example short\n2001:db8::50 here.example\n");
  ASSERT_EQ(::setenv("CARES_HOSTS", hosts.path().c_str(), 1), 0);
  auto options = asking(server);
  options.hosts_file = options.environment_hosts = true;
  dns::resolver resolver(options);
  run([&] {
    EXPECT_EQ(texts(resolver.resolve("here.example", "80")),
              (std::vector<std::string>{"192.0.2.50:80", "[2001:db8::50]:80"}));
    EXPECT_EQ(texts(resolver.resolve("short", "80")), std::vector<std::string>{"192.0.2.50:80"});
    EXPECT_TRUE(server.asked().empty());
    EXPECT_EQ(texts(resolver.resolve("elsewhere.example", "80")), std::vector<std::string>{"192.0.2.1:80"});
  });
  ::unsetenv("CARES_HOSTS");
}

TEST_P(Resolver, ManyFibersAskAtTheSameTime) {
  std::map<std::string, answer> names;
  for (int i = 0; i < 200; ++i) {
    names["host" + std::to_string(i) + ".example"] = {.v4 = {"192.0.2." + std::to_string(i)}};
  }
  name_server server(names);
  auto options = asking(server);
  options.timeout = 1s;  // a datagram may be lost when so many come at once
  options.tries = 20;
  options.max_concurrent = 32;
  dns::resolver resolver(options);
  run([&] {
    weft::scope all;
    for (int i = 0; i < 400; ++i) {
      all.spawn(weft::fiber_options{.spread = true}, [&, i] {
        const auto n = std::to_string(i % 250);  // some are not there
        std::error_code error;
        const auto found = resolver.resolve("host" + n + ".example", "80", error);
        if (i % 250 < 200) {
          EXPECT_EQ(texts(found), std::vector<std::string>{"192.0.2." + n + ":80"}) << error.message();
        } else {
          EXPECT_EQ(error, like_getaddrinfo(EAI_NONAME));
        }
      });
    }
    all.join();
  });
}

TEST_P(Resolver, AStopEndsALookUpAtOnce) {
  name_server server({{"silent.example", {.what = kind::silence}}});
  dns::resolver resolver(asking(server));
  run([&] {
    auto asking_fiber = weft::spawn([&] { resolver.resolve("silent.example", "80"); });
    weft::this_fiber::yield();
    weft::blocking([&] { server.await_questions(1); });
    asking_fiber.request_stop();
    EXPECT_THROW(asking_fiber.join(), weft::cancelled);
  });
}

TEST_P(Resolver, IsACancellationPointAlsoForNumbers) {
  dns::resolver resolver;
  run([&] {
    auto stopped = weft::spawn([&] {
      weft::this_fiber::yield();
      std::error_code error;
      resolver.resolve("127.0.0.1", "80", error);
    });
    stopped.request_stop();
    EXPECT_THROW(stopped.join(), weft::cancelled);
  });
}

TEST_P(Resolver, ADeadlineEndsALookUp) {
  name_server server({{"silent.example", {.what = kind::silence}}});
  dns::resolver resolver(asking(server));
  run([&] {
    EXPECT_THROW(weft::with_timeout(5ms, [&] { resolver.resolve("silent.example", "80"); }), weft::timed_out);
  });
}

TEST_P(Resolver, StopsWhileManyLookUpsAreUnderWayLeaveNothingBehind) {
  name_server server({{"silent.example", {.what = kind::silence}}, {"a.example", {.v4 = {"192.0.2.1"}}}});
  auto options = asking(server);
  options.max_concurrent = 8;  // so that some wait for their turn
  dns::resolver resolver(options);
  run([&] {
    {
      weft::scope all;
      for (int i = 0; i < 30; ++i) {
        all.spawn([&] { resolver.resolve("silent.example", "80"); });
      }
      weft::this_fiber::yield();
      weft::blocking([&] { server.await_questions(4); });
      all.request_stop();
    }
    // All places are free again.
    weft::scope all;
    std::atomic<int> found{0};
    for (int i = 0; i < 8; ++i) {
      all.spawn([&] { found += static_cast<int>(resolver.resolve("a.example", "80").size()); });
    }
    all.join();
    EXPECT_EQ(found.load(), 8);
  });
}

TEST_P(Resolver, SaysThatThereAreNoDescriptors) {
  name_server server({{"a.example", {.v4 = {"192.0.2.1"}}}});
  dns::resolver resolver(asking(server));
  run([&] {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    std::error_code error;
    resolver.resolve("a.example", "80", error);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_EQ(error, std::errc::too_many_files_open);
    EXPECT_EQ(resolver.resolve("a.example", "80").size(), 1U);
  });
}

TEST(ResolverOptions, AreChecked) {
  const auto refused = [](const dns::resolver_options& options) {
    EXPECT_THROW(dns::resolver{options}, std::system_error);
  };
  refused({.servers = {net::endpoint::parse("unix:/run/dns")}});
  refused({.servers = {net::endpoint()}});
  refused({.ndots = -1});
  refused({.timeout = 0ms});
  refused({.timeout = std::chrono::hours(24 * 30)});
  refused({.tries = 0});
  refused({.max_concurrent = 0});
}

}  // namespace
