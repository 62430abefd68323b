// The system calls for files and pipes; see os.hpp.
#pragma once
#include <cstddef>  // size_t
#include <cstdint>  // int64_t

#include <sys/stat.h>  // statx
#include <sys/uio.h>   // iovec

#include "io/os.hpp"

namespace weft::inline v0::detail::os {

inline constexpr std::int64_t current_position = -1;

// Whether a call may sleep until it can be done, or gives EAGAIN (EOPNOTSUPP where the file cannot tell).
enum class sleep : bool { allowed, forbidden };

result open(const char* path, int flags, unsigned permissions) noexcept;  // always close-on-exec
result read_vector(int fd, const iovec* to, int count, std::int64_t offset, sleep may = sleep::allowed) noexcept;
// Never raises SIGPIPE.
result write_vector(int fd, const iovec* from, int count, std::int64_t offset, sleep may = sleep::allowed) noexcept;
result sync(int fd, bool data_only) noexcept;
// Of `path`, or of the open file `fd` when the path is "". A path that ends in a symbolic link leads on, or is the link.
enum class last_link : bool { followed, kept };
result status(int fd, const char* path, last_link link, struct statx& out) noexcept;
result resize(int fd, std::int64_t size) noexcept;
result rename(const char* from, const char* to) noexcept;
result unlink(const char* path, bool directory) noexcept;
result make_directory(const char* path, unsigned permissions) noexcept;
// Records of linux_dirent64 from the directory's position on. \return bytes, 0 at the end
result list_directory(int fd, void* buffer, std::size_t size) noexcept;
// From and to the files' positions.
result copy_range(int from, int to, std::size_t size) noexcept;
result set_permissions(int fd, unsigned permissions) noexcept;
result seek(int fd, std::int64_t offset, int whence) noexcept;
result make_symlink(const char* target, const char* path) noexcept;
// Symbolic links are not followed.
result make_link(const char* target, const char* path) noexcept;
// The link's text, without a zero at its end, as much of it as there is room for. \return its length
result read_link(const char* path, char* buffer, std::size_t size) noexcept;

// The first bytes of a vector, at most `limit` and not beyond its first part that is not empty: what a planned limit leaves.
iovec first_bytes(const iovec* from, int count, std::size_t limit) noexcept;

result make_pipe(int (&ends)[2]) noexcept;  // close-on-exec, blocking
result is_blocking(int fd) noexcept;        // 1 or 0: O_NONBLOCK is not, or is, set
// A copy whose number is at least 3; close-on-exec.
result duplicate_above_standard(int fd) noexcept;

}  // namespace weft::inline v0::detail::os
