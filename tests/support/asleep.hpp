// What a test does once everybody else waits: asked of the kernel, because only it knows.
#pragma once
#include <filesystem>  // directory_iterator
#include <fstream>     // ifstream
#include <string>      // string
#include <thread>      // yield

#include <unistd.h>  // gettid

namespace weft::testing {

// True when at this moment no thread of this process but the calling one ran or was about to.
inline bool others_sleep() {
  const std::string mine = std::to_string(::gettid());
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    if (task.path().filename() == mine) continue;
    std::string line;
    std::getline(std::ifstream(task.path() / "stat"), line);  // "tid (name) state ...", and a name may hold anything
    const auto name_ends = line.rfind(") ");
    if (name_ends == std::string::npos || line[name_ends + 2] != 'S') return false;
  }
  return true;
}

inline void await_others_asleep() {
  while (!others_sleep()) {
    std::this_thread::yield();
  }
}

}  // namespace weft::testing
