// Processes that die on purpose: what a crash says has to come out, each time.
#include <cstdio>          // puts
#include <string_view>     // kinds
#include <sys/resource.h>  // setrlimit

#include <weft/weft.hpp>

#include "load.hpp"

namespace soak {
namespace {

using namespace std::chrono_literals;

// Not a loop in disguise: each call's array is used after the next one has returned.
[[gnu::noinline]] int endless(int n) {
  volatile char frame[512];
  frame[0] = static_cast<char>(n);
  return n < 0 ? 0 : endless(n + 1) + frame[0];
}

struct ending {
  const char* kind;
  const char* says;  // on the standard error, or on the output of one that ends well
};
constexpr ending endings[] = {
    {"overflow", "stack overflow in fiber 'too deep'"},
    {"exception", "on purpose"},
    {"well", "done"},
};

}  // namespace

int be_child(const std::string& kind) {
  const rlimit no_core{};
  ::setrlimit(RLIMIT_CORE, &no_core);
  weft::run({.workers = 2}, [&] {
    if (kind == "overflow")
      weft::spawn({.name = "too deep", .stack_size = 65536}, [] { static_cast<void>(endless(0)); }).join();
    if (kind == "exception") {
      weft::spawn({.name = "thrower"}, [] { throw std::runtime_error("on purpose"); }).detach();
      weft::this_fiber::sleep_for(1h);
    }
  });
  std::puts("done");
  return 0;
}

void children(const phase& p) {
  for (std::uint64_t i = p.seed; p.goes_on(); ++i) {
    const ending& e = endings[i % std::size(endings)];
    const weft::process_output came = weft::process::run({p.program, "--child", e.kind});
    const bool well = e.kind == std::string_view("well");
    demand(came.status.success() == well, std::string("children: an ending by '") + e.kind + "' had code " +
                                              std::to_string(came.status.code) + ", signal " +
                                              std::to_string(came.status.signal) + ": " + came.error);
    demand((well ? came.output : came.error).find(e.says) != std::string::npos,
           std::string("children: '") + e.says + "' is not said: " + came.error);
    weft::this_fiber::sleep_for(300ms);
    p.count();
  }
}

}  // namespace soak
