// A program outside the tree: compiled against what was installed, in each way a user may find it.
#include <cstdio>     // printf
#include <stdexcept>  // runtime_error

#include <weft/weft.hpp>  // the core

namespace {

// What crosses the library's border: results, and exceptions whose types both sides must agree on.
int twice(int x) {
  return weft::run([x] {
    auto half = weft::spawn([x] { return x; });
    auto other = weft::spawn([x] {
      weft::this_fiber::yield();
      return x;
    });
    return half.join() + other.join();
  });
}

bool exceptions_cross() {
  bool caught = false;
  try {
    weft::run([] { weft::spawn([] { throw std::runtime_error("from a fiber"); }).join(); });
  } catch (const std::runtime_error&) {
    caught = true;
  }
  const bool stopped = weft::run([] {
    auto sleeper = weft::spawn([] { weft::this_fiber::sleep_for(std::chrono::hours{1}); });
    sleeper.request_stop();
    try {
      sleeper.join();
    } catch (const weft::cancelled&) {
      return true;
    }
    return false;
  });
  return caught && stopped;
}

}  // namespace

int main() {
  const bool good = twice(21) == 42 && exceptions_cross();
  std::printf("weft %d.%d: %s\n", WEFT_VERSION_MAJOR, WEFT_VERSION_MINOR, good ? "good" : "bad");
  return good ? 0 : 1;
}
