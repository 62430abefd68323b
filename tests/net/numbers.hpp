// Names that nobody else has, and which descriptors are open.
#pragma once
#include <string>       // string, to_string
#include <string_view>  // starts_with

#include <dirent.h>  // opendir
#include <unistd.h>  // getpid, readlinkat

#include <weft/net/endpoint.hpp>

namespace weft_test {

// A Unix name that no other socket of this machine has.
inline weft::net::endpoint fresh_name() {
  static int count = 0;
  return weft::net::endpoint::parse("unix:@weft_test." + std::to_string(::getpid()) + "." + std::to_string(++count));
}

// How many descriptors of a kind are open: "socket:", "pipe:". Seldom all of them, "": pollers are made when first needed,
// and stay.
inline int open_numbers(std::string_view kind) {
  int n = 0;
  DIR* dir = ::opendir("/proc/self/fd");
  while (const dirent* entry = ::readdir(dir)) {
    char target[16] = {};
    const ssize_t length = ::readlinkat(::dirfd(dir), entry->d_name, target, sizeof target - 1);
    n += length > 0 && std::string_view(target).starts_with(kind) ? 1 : 0;
  }
  ::closedir(dir);
  return n;
}

}  // namespace weft_test
