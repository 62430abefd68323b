// What posix_spawn is told to do in the child, and the descriptors it needs for that.
#pragma once
#include <string>  // string
#include <vector>  // vector

#include <spawn.h>  // posix_spawn_file_actions_t

#include "io/os_process.hpp"
#include "io/raw_descriptor.hpp"
#include <weft/io/process.hpp>

namespace weft::inline v0::detail {

class spawn_setup {
 public:
  // Opens pipes and copies, collects actions. error() is an errno. \throws std::bad_alloc
  spawn_setup(const std::vector<std::string>& command, const process_options& options);
  ~spawn_setup();
  spawn_setup(const spawn_setup&) = delete;
  spawn_setup& operator=(const spawn_setup&) = delete;

  int error() const noexcept { return error_; }
  os::spawn_request request() const noexcept;
  // Our end of the pipe that is descriptor `target` of the child, still ours to close; its number is -1 if none was asked for.
  raw_descriptor& our_end(int target) noexcept { return ours_[target]; }

 private:
  void note(int error) noexcept {
    if (error_ == 0) error_ = error;
  }
  void redirect(int target, const stdio& how);
  void redirect_to_pipe(int target);
  // A descriptor of ours above 2 becomes number `target` of the child.
  void give(int source, int target);
  void set_attributes(const process_options& options) noexcept;

  int error_ = 0;
  bool search_path_;
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
  std::vector<char*> arguments_, environment_;
  bool own_environment_ = false;
  raw_descriptor ours_[3] = {raw_descriptor(-1), raw_descriptor(-1), raw_descriptor(-1)};
  std::vector<raw_descriptor> theirs_;  // closed here once the child has copies
};

}  // namespace weft::inline v0::detail
