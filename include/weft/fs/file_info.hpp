/// \file   weft/fs/file_info.hpp
/// \brief  What the file system knows of a file.
#pragma once
#include <chrono>      // system_clock
#include <cstdint>     // fixed-width integers
#include <filesystem>  // file_type, perms

#include <weft/base/config.hpp>  // inline namespace

namespace weft::inline v0::fs {

using std::filesystem::file_type;
using std::filesystem::perms;

struct file_info {
  file_type type = file_type::none;
  perms permissions = perms::none;
  std::uint64_t size = 0;  ///< bytes; 0 also where the system cannot tell, as in /proc
  std::uint64_t links = 0;
  std::uint64_t inode = 0;
  std::uint64_t device = 0;  ///< together with inode: which file it is
  std::uint32_t user = 0, group = 0;
  std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds> modified;
};

}  // namespace weft::inline v0::fs
