// A program outside the tree that links the component dns and calls nothing of it: net::resolve uses it all the same.
#include <cstdio>  // printf

#include <weft/net/resolve_hook.hpp>
#include <weft/weft.hpp>

int main() {
  const bool hooked = weft::net::current_resolve_function() != nullptr;
  const bool found = weft::run([] { return !weft::net::resolve("localhost", "80").empty(); });
  std::printf("weft %d.%d: %s\n", WEFT_VERSION_MAJOR, WEFT_VERSION_MINOR, hooked && found ? "good" : "bad");
  return hooked && found ? 0 : 1;
}
