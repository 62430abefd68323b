/// \file   weft/fs/operations.hpp
/// \brief  Files by their paths: whole contents, names, directories.
#pragma once
#include <cstddef>       // byte
#include <cstdint>       // uint64_t
#include <span>          // span
#include <string>        // string
#include <string_view>   // string_view
#include <system_error>  // error_code
#include <vector>        // vector

#include <weft/base/config.hpp>   // WEFT_EXPORT
#include <weft/fs/file.hpp>       // path
#include <weft/fs/file_info.hpp>  // file_info

/// All of them: threads any; blocking, stops, cost and errors as of fs::file, a cancellation point before each of their
/// system calls, and what a stop or an error leaves behind is said at each. Paths are relative to the working directory of
/// the process; symbolic links are followed unless said otherwise.
namespace weft::inline v0::fs {

/// The whole content, also of files whose size is not known before, as in /proc. \throws std::bad_alloc
[[nodiscard]] WEFT_EXPORT std::string read_file(const path& where);
WEFT_EXPORT std::string read_file(const path& where, std::error_code& error);

/// Makes the file, or replaces its content in place. An error or a stop may leave a part of the data.
WEFT_EXPORT void write_file(const path& where, std::string_view data);
WEFT_EXPORT void write_file(const path& where, std::string_view data, std::error_code& error);
WEFT_EXPORT void write_file(const path& where, std::span<const std::byte> data);
WEFT_EXPORT void write_file(const path& where, std::span<const std::byte> data, std::error_code& error);

/// The same at one stroke: whoever opens the path finds the old content or the new one, also after a crash of the system.
/// The data go to a new file in the same directory, `.<name>.<random>`, and to the device; then it takes the name, with
/// the permissions of the file it replaces (owner and extended attributes are not kept; a symbolic link is replaced, not
/// followed). An error or a stop leaves the old file, and removes the new one. Cost: two waits for the device.
WEFT_EXPORT void replace_file(const path& where, std::string_view data);
WEFT_EXPORT void replace_file(const path& where, std::string_view data, std::error_code& error);
WEFT_EXPORT void replace_file(const path& where, std::span<const std::byte> data);
WEFT_EXPORT void replace_file(const path& where, std::span<const std::byte> data, std::error_code& error);

enum class if_exists : bool { fail, overwrite };

/// Copies content and permissions, in memory that does not depend on the size; inside the kernel where it can.
/// \return bytes copied. file_exists: it is there, or is the same file. An error or a stop removes a target made here, and
/// leaves a part of the data in one that was overwritten.
WEFT_EXPORT std::uint64_t copy_file(const path& from, const path& to, if_exists target = if_exists::fail);
WEFT_EXPORT std::uint64_t copy_file(const path& from, const path& to, if_exists target, std::error_code& error);

/// As std::filesystem::rename: replaces `to` when it is there. Links are not followed.
WEFT_EXPORT void rename(const path& from, const path& to);
WEFT_EXPORT void rename(const path& from, const path& to, std::error_code& error);

/// A file or an empty directory; links are not followed. \return false: there was none
WEFT_EXPORT bool remove(const path& where);
WEFT_EXPORT bool remove(const path& where, std::error_code& error);

[[nodiscard]] WEFT_EXPORT file_info stat(const path& where);
WEFT_EXPORT file_info stat(const path& where, std::error_code& error);

/// Of the link itself, where `where` is a symbolic one.
[[nodiscard]] WEFT_EXPORT file_info lstat(const path& where);
WEFT_EXPORT file_info lstat(const path& where, std::error_code& error);

/// Makes the symbolic link `link`, whose text is `target`: a path from the link's directory on, which need not exist.
WEFT_EXPORT void create_symlink(const path& target, const path& link);
WEFT_EXPORT void create_symlink(const path& target, const path& link, std::error_code& error);
/// Makes `link` another name of the file `target`, which is not followed; on the same file system (cross_device_link).
WEFT_EXPORT void create_hard_link(const path& target, const path& link);
WEFT_EXPORT void create_hard_link(const path& target, const path& link, std::error_code& error);
/// The text of a symbolic link. invalid_argument: it is none.
[[nodiscard]] WEFT_EXPORT path read_symlink(const path& link);
WEFT_EXPORT path read_symlink(const path& link, std::error_code& error);

/// \return false: a directory of the name is there already
WEFT_EXPORT bool create_directory(const path& where, perms permissions = perms::all);
WEFT_EXPORT bool create_directory(const path& where, perms permissions, std::error_code& error);
inline bool create_directory(const path& where, std::error_code& error) {
  return create_directory(where, perms::all, error);
}

struct directory_entry {
  std::string name;                  ///< without the directory
  file_type type = file_type::none;  ///< of the entry itself; unknown where the file system does not say
};

/// All entries but "." and "..", in no particular order. Memory: one string each.
[[nodiscard]] WEFT_EXPORT std::vector<directory_entry> list_directory(const path& where);
WEFT_EXPORT std::vector<directory_entry> list_directory(const path& where, std::error_code& error);

}  // namespace weft::inline v0::fs
