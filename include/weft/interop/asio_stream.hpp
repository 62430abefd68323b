/// \file   weft/interop/asio_stream.hpp
/// \brief  A weft stream as Asio's SyncReadStream and SyncWriteStream, so that Boost.Beast runs on fibers unchanged.
///
/// Header-only; needs Boost.Asio's headers and nothing of its event loop: the calling fiber parks, its worker goes on.
#pragma once
#include <chrono>        // duration
#include <cstddef>       // byte, size_t
#include <span>          // span
#include <system_error>  // error_code, errc
#include <utility>       // forward, move

#include <boost/asio/buffer.hpp>          // const_buffer, mutable_buffer, buffer sequences
#include <boost/asio/error.hpp>           // eof, timed_out
#include <boost/system/error_code.hpp>    // error_code
#include <boost/system/system_error.hpp>  // system_error
#include <weft/net/tcp_stream.hpp>        // tcp_stream

namespace weft::inline v0::interop {

/// The same error in Boost's types. Errors of the system and generic categories keep their number, so a timeout compares
/// equal to boost::asio::error::timed_out; an error of any other category becomes the condition it stands for, or
/// io_error.
inline boost::system::error_code to_boost(const std::error_code& ec) {
  if (!ec) {
    return {};
  }
  if (ec.category() == std::system_category() || ec.category() == std::generic_category()) {
    return {ec.value(), boost::system::system_category()};
  }
  const auto condition = ec.default_error_condition();
  if (condition.category() == std::generic_category()) {
    return {condition.value(), boost::system::system_category()};
  }
  return boost::system::errc::make_error_code(boost::system::errc::io_error);
}

/// Owns a stream. `Next` has the members of weft::net::tcp_stream.
///
/// Threads:  as the stream: one reader and one writer at a time.
/// Blocking: read_some and write_some park the fiber; both are cancellation points and let weft::cancelled through.
/// Errors:   the end of the stream is boost::asio::error::eof, a timeout boost::asio::error::timed_out.
template <class Next>
class basic_sync_stream {
 public:
  using next_layer_type = Next;

  explicit basic_sync_stream(Next next) noexcept(noexcept(Next(std::move(next)))) : next_(std::move(next)) {}

  Next& next_layer() noexcept { return next_; }
  const Next& next_layer() const noexcept { return next_; }

  /// Reads into the first buffer that has room: as Asio's, it may read less than asked for. 0 only when there is no room,
  /// or with an error.
  template <class MutableBuffers>
  std::size_t read_some(const MutableBuffers& buffers, boost::system::error_code& ec) {
    ec = {};
    const auto room = first_nonempty<boost::asio::mutable_buffer>(buffers);
    if (room.size() == 0) {
      return 0;
    }
    std::error_code error;
    const std::size_t n = next_.read_some(std::span{static_cast<std::byte*>(room.data()), room.size()}, error);
    if (error) {
      ec = to_boost(error);
      return 0;
    }
    if (n == 0) {
      ec = boost::asio::error::eof;
    }
    return n;
  }
  /// \throws boost::system::system_error
  template <class MutableBuffers>
  std::size_t read_some(const MutableBuffers& buffers) {
    boost::system::error_code ec;
    const std::size_t n = read_some(buffers, ec);
    throw_if(ec);
    return n;
  }

  /// Writes from the first buffer that holds something.
  template <class ConstBuffers>
  std::size_t write_some(const ConstBuffers& buffers, boost::system::error_code& ec) {
    ec = {};
    const auto data = first_nonempty<boost::asio::const_buffer>(buffers);
    if (data.size() == 0) {
      return 0;
    }
    std::error_code error;
    const std::size_t n = next_.write_some(std::span{static_cast<const std::byte*>(data.data()), data.size()}, error);
    if (error) {
      ec = to_boost(error);
      return 0;
    }
    return n;
  }
  /// \throws boost::system::system_error
  template <class ConstBuffers>
  std::size_t write_some(const ConstBuffers& buffers) {
    boost::system::error_code ec;
    const std::size_t n = write_some(buffers, ec);
    throw_if(ec);
    return n;
  }

  /// Of each later operation.
  template <class Rep, class Period>
  void set_timeout(std::chrono::duration<Rep, Period> limit) {
    next_.set_timeout(limit);
  }

  /// Tells the peer that nothing more will come; reading goes on.
  void shutdown_write(boost::system::error_code& ec) {
    std::error_code error;
    next_.shutdown_write(error);
    ec = to_boost(error);
  }

 private:
  template <class Buffer, class Buffers>
  static Buffer first_nonempty(const Buffers& buffers) {
    const auto end = boost::asio::buffer_sequence_end(buffers);
    for (auto it = boost::asio::buffer_sequence_begin(buffers); it != end; ++it) {
      const Buffer candidate(*it);
      if (candidate.size() != 0) {
        return candidate;
      }
    }
    return {};
  }
  static void throw_if(const boost::system::error_code& ec) {
    if (ec) {
      throw boost::system::system_error(ec);
    }
  }

  Next next_;
};

using sync_stream = basic_sync_stream<net::tcp_stream>;

}  // namespace weft::inline v0::interop
