// A program outside the tree that uses the component debug: it dumps its own fiber.
#include <iostream>  // cout
#include <sstream>   // ostringstream
#include <string>    // string

#include <weft/debug/dump.hpp>
#include <weft/sched/runtime.hpp>
#include <weft/sched/this_fiber.hpp>

int main() {
  std::ostringstream text;
  weft::run([&text] {
    weft::this_fiber::set_name("consumer");
    weft::debug::dump(text);
  });
  const bool good =
      text.str().find("1 running") != std::string::npos && text.str().find("'consumer'") != std::string::npos;
  std::cout << "weft " << WEFT_VERSION_MAJOR << '.' << WEFT_VERSION_MINOR << ": " << (good ? "good" : "bad") << '\n';
  return good ? 0 : 1;
}
