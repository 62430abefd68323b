/// \file   weft/fs/file.hpp
/// \brief  An open file, read and written as if it blocked.
#pragma once
#include <cstddef>       // byte, size_t
#include <cstdint>       // uint64_t
#include <filesystem>    // path
#include <span>          // span
#include <system_error>  // error_code

#include <weft/base/config.hpp>     // WEFT_EXPORT
#include <weft/fs/file_handle.hpp>  // file_handle
#include <weft/fs/file_info.hpp>    // file_info
#include <weft/io/end_of_file.hpp>  // error::end_of_file

namespace weft::inline v0::fs {

using std::filesystem::path;

enum class access : std::uint8_t { read, write, read_write };

struct open_options {
  fs::access access = access::read;
  bool create = false;     ///< make it when it does not exist
  bool exclusive = false;  ///< with create: fail (file_exists) when it does; a symbolic link exists, wherever it points
  bool truncate = false;   ///< begin with an empty file
  bool append = false;     ///< every write, positional ones too, goes to the end
  bool sync = false;       ///< every write is on the device before it returns
  fs::perms permissions = perms(0666);  ///< of a new file, less the process's umask
};

/// What an offset of seek() counts from.
enum class seek_from : std::uint8_t { start, position, end };

/// Parts of memory that one call fills or writes in order; any number, empty ones too.
using mutable_buffers = std::span<const std::span<std::byte>>;
using const_buffers = std::span<const std::span<const std::byte>>;

/// Threads:  any number of operations at a time, from fibers and plain threads, and close() from anywhere. Those without an
///           offset share one position: two at a time get different parts, in no particular order. Moving and destroying
///           need the object for themselves.
/// Blocking: a fiber parks until the system has done the call (by io_uring, or on a thread of the blocking pool), a plain thread blocks.
/// Stop:     every member but close(), is_open() and native_handle() is a cancellation point before each system call it
///           makes. A call that has started is not cut short: the stop is delivered at the next point. So a deadline
///           around an operation can be late by the length of one call.
/// Errors:   std::system_error, or the last argument, with the system's errno: no_space_on_device, io_error, ...;
///           bad_file_descriptor: closed. resource_unavailable_try_again: no thread could be started for the call.
/// Cost:     for each system call a trip through the ring, or to another thread and back (some 10 us); move large pieces.
/// Files are always close-on-exec. SIGPIPE is never raised, should the path name a FIFO.
class WEFT_EXPORT file {
 public:
  file() noexcept = default;
  [[nodiscard]] static file open(const path& where, const open_options& options = {});
  static file open(const path& where, const open_options& options, std::error_code& error);
  static file open(const path& where, std::error_code& error) { return open(where, {}, error); }
  /// Makes an open descriptor of anybody's ours, to be closed by this object.
  static file from_native(int fd) noexcept;

  /// Once: at least one byte unless nothing is asked for. \return how many; 0: end of file
  std::size_t read_some(mutable_buffers into) { return read_once(into, here); }
  std::size_t read_some(mutable_buffers into, std::error_code& error) { return read_once(into, here, error); }
  std::size_t read_some(std::span<std::byte> into) { return read_once({&into, 1}, here); }
  std::size_t read_some(std::span<std::byte> into, std::error_code& error) {
    return read_once({&into, 1}, here, error);
  }
  /// Once, from `offset` on; the position stays.
  std::size_t read_at(mutable_buffers into, std::uint64_t offset) { return read_once(into, offset); }
  std::size_t read_at(mutable_buffers into, std::uint64_t offset, std::error_code& error) {
    return read_once(into, offset, error);
  }
  std::size_t read_at(std::span<std::byte> into, std::uint64_t offset) { return read_once({&into, 1}, offset); }
  std::size_t read_at(std::span<std::byte> into, std::uint64_t offset, std::error_code& error) {
    return read_once({&into, 1}, offset, error);
  }
  /// Everything asked for, in as many calls as it takes. fs::error::end_of_file: there was less.
  /// \return how much was read, also when it failed
  std::size_t read_exactly(std::span<std::byte> into) { return read_whole({&into, 1}, here); }
  std::size_t read_exactly(std::span<std::byte> into, std::error_code& error) {
    return read_whole({&into, 1}, here, error);
  }
  std::size_t read_exactly_at(mutable_buffers into, std::uint64_t offset) { return read_whole(into, offset); }
  std::size_t read_exactly_at(mutable_buffers into, std::uint64_t offset, std::error_code& error) {
    return read_whole(into, offset, error);
  }
  std::size_t read_exactly_at(std::span<std::byte> into, std::uint64_t offset) {
    return read_whole({&into, 1}, offset);
  }
  std::size_t read_exactly_at(std::span<std::byte> into, std::uint64_t offset, std::error_code& error) {
    return read_whole({&into, 1}, offset, error);
  }

  /// Once. \return how many were taken, at least one unless there were none
  std::size_t write_some(const_buffers from) { return write_once(from, here); }
  std::size_t write_some(const_buffers from, std::error_code& error) { return write_once(from, here, error); }
  std::size_t write_some(std::span<const std::byte> from) { return write_once({&from, 1}, here); }
  std::size_t write_some(std::span<const std::byte> from, std::error_code& error) {
    return write_once({&from, 1}, here, error);
  }
  std::size_t write_at(const_buffers from, std::uint64_t offset) { return write_once(from, offset); }
  std::size_t write_at(const_buffers from, std::uint64_t offset, std::error_code& error) {
    return write_once(from, offset, error);
  }
  std::size_t write_at(std::span<const std::byte> from, std::uint64_t offset) { return write_once({&from, 1}, offset); }
  std::size_t write_at(std::span<const std::byte> from, std::uint64_t offset, std::error_code& error) {
    return write_once({&from, 1}, offset, error);
  }
  /// Everything, in as many calls as it takes. \return how much was taken, also when it failed
  std::size_t write_all(const_buffers from) { return write_whole(from, here); }
  std::size_t write_all(const_buffers from, std::error_code& error) { return write_whole(from, here, error); }
  std::size_t write_all(std::span<const std::byte> from) { return write_whole({&from, 1}, here); }
  std::size_t write_all(std::span<const std::byte> from, std::error_code& error) {
    return write_whole({&from, 1}, here, error);
  }
  std::size_t write_all_at(const_buffers from, std::uint64_t offset) { return write_whole(from, offset); }
  std::size_t write_all_at(const_buffers from, std::uint64_t offset, std::error_code& error) {
    return write_whole(from, offset, error);
  }
  std::size_t write_all_at(std::span<const std::byte> from, std::uint64_t offset) {
    return write_whole({&from, 1}, offset);
  }
  std::size_t write_all_at(std::span<const std::byte> from, std::uint64_t offset, std::error_code& error) {
    return write_whole({&from, 1}, offset, error);
  }

  /// Moves the position that operations without an offset share; beyond the end, too. \return where it is now, from the start.
  /// invalid_argument: before the start; errc::invalid_seek: a pipe or a terminal.
  std::uint64_t seek(std::int64_t offset, seek_from base = seek_from::start);
  std::uint64_t seek(std::int64_t offset, seek_from base, std::error_code& error);
  [[nodiscard]] std::uint64_t tell() { return seek(0, seek_from::position); }
  std::uint64_t tell(std::error_code& error) { return seek(0, seek_from::position, error); }

  /// Returns when what was written is on the device: data and all that is known of the file, or only what is needed to
  /// read the data back. After a failure what was written before may be lost: a second try may succeed without having
  /// written it.
  void sync();
  void sync(std::error_code& error);
  void sync_data();
  void sync_data(std::error_code& error);

  [[nodiscard]] file_info stat();
  file_info stat(std::error_code& error);
  /// Cuts it off, or makes it longer by zeros.
  void resize(std::uint64_t size);
  void resize(std::uint64_t size, std::error_code& error);
  void set_permissions(perms permissions);
  void set_permissions(perms permissions, std::error_code& error);

  /// Ends all later operations (bad_file_descriptor). Those inside go on, and the last one closes the number. The system may
  /// tell here of a write that failed. Not a cancellation point, but may park: closing can take time. A repeated call
  /// does nothing.
  void close();
  void close(std::error_code& error) noexcept { error = handle_.close(); }
  [[nodiscard]] bool is_open() const noexcept { return native_handle() >= 0; }
  /// The descriptor, still owned by this object, or -1. Must not be closed by other means.
  [[nodiscard]] int native_handle() const noexcept { return handle_.native(); }

 private:
  static constexpr std::uint64_t here = ~std::uint64_t{0};  // the position that operations without an offset share

  explicit file(int fd) noexcept : handle_(fd) {}
  std::size_t read_once(mutable_buffers into, std::uint64_t offset);
  std::size_t read_once(mutable_buffers into, std::uint64_t offset, std::error_code& error);
  std::size_t read_whole(mutable_buffers into, std::uint64_t offset);
  std::size_t read_whole(mutable_buffers into, std::uint64_t offset, std::error_code& error);
  std::size_t write_once(const_buffers from, std::uint64_t offset);
  std::size_t write_once(const_buffers from, std::uint64_t offset, std::error_code& error);
  std::size_t write_whole(const_buffers from, std::uint64_t offset);
  std::size_t write_whole(const_buffers from, std::uint64_t offset, std::error_code& error);

  detail::file_handle handle_;
};

}  // namespace weft::inline v0::fs
