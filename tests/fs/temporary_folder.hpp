// A folder of a test's own, gone with all that is in it at the end; and what many tests of files use.
#pragma once
#include <array>        // array
#include <cstddef>      // byte
#include <cstdlib>      // mkdtemp
#include <filesystem>   // remove_all
#include <span>         // span
#include <string>       // string
#include <string_view>  // string_view

#include <unistd.h>  // readlink

#include <gtest/gtest.h>
#include <weft/sched/runtime.hpp>

namespace weft_test {

class temporary_folder {
 public:
  temporary_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "weft-fs-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw std::runtime_error("mkdtemp " + name);
    }
    path_ = name;
  }
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }
  // How many entries are in it.
  std::ptrdiff_t entries() const {
    return std::distance(std::filesystem::directory_iterator(path_), std::filesystem::directory_iterator());
  }

 private:
  std::filesystem::path path_;
};

inline std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

inline weft::runtime_options workers(unsigned n) { return {.workers = n}; }

// Expects that the scope leaves as many descriptors open as it found. Not counted is what a worker waits with, from the first
// time it waited: an eventfd, a ring or an epoll set.
class no_descriptor_leaks {
 public:
  no_descriptor_leaks() : before_(count()) {}
  ~no_descriptor_leaks() { EXPECT_EQ(count(), before_) << "descriptors leaked"; }
  no_descriptor_leaks(const no_descriptor_leaks&) = delete;
  no_descriptor_leaks& operator=(const no_descriptor_leaks&) = delete;

 private:
  static int count() {
    int open = 0;
    for (int fd = 0; fd < 1024; ++fd) {
      char target[64] = {};
      const std::string name = "/proc/self/fd/" + std::to_string(fd);
      if (::readlink(name.c_str(), target, sizeof target - 1) > 0) {
        open += std::string_view(target).starts_with("anon_inode:") ? 0 : 1;
      }
    }
    return open;
  }
  int before_;
};

}  // namespace weft_test
