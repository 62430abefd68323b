// The one place through which the library asks the file system for something: one function a system call.
//
// Each does its call for the calling fiber, which parks meanwhile; on a plain thread it is the plain call. The ring of the
// fiber's worker makes the call, or a thread of the blocking pool, with the same promises:
// - A stop that is pending is thrown before the call starts; one that comes later is delivered at the fiber's next
//   cancellation point. A call that has started is not cut short, and the function returns after its end, so what the
//   arguments point to belongs to the caller again.
// - EINTR is never returned. EAGAIN means that the call could not be started for want of memory or threads.
// - Reads and writes may move less than asked for.
#pragma once
#include <cstddef>  // size_t
#include <cstdint>  // int64_t
#include <span>     // span

#include "io/os_files.hpp"

namespace weft::inline v0::detail::file_calls {

using os::current_position;
using os::result;

result open(const char* path, int flags, unsigned permissions);
// Waits uncancellably and always closes, whatever it says. The number is free afterwards.
result close(int fd) noexcept;
// `offset` may be current_position.
result read(int fd, std::span<const iovec> to, std::int64_t offset);
result write(int fd, std::span<const iovec> from, std::int64_t offset);
result sync(int fd, bool data_only);
result status(int fd, const char* path, os::last_link link, struct statx& out);
result resize(int fd, std::int64_t size);
result rename(const char* from, const char* to);
result unlink(const char* path, bool directory);
result make_directory(const char* path, unsigned permissions);
result list_directory(int fd, std::span<std::byte> buffer);
result copy_range(int from, int to, std::size_t size);
result set_permissions(int fd, unsigned permissions);
result seek(int fd, std::int64_t offset, int whence);
result make_symlink(const char* target, const char* path);
result make_link(const char* target, const char* path);
result read_link(const char* path, std::span<char> buffer);

}  // namespace weft::inline v0::detail::file_calls
