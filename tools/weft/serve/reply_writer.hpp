// Writes replies. The one idea: a file's first piece travels with the head, through this process; what is left of a large
// file goes from the page cache to the socket by itself, where the stream can do that and the kernel has the piece.
#pragma once
#include <algorithm>     // copy_n, min
#include <chrono>        // milliseconds
#include <cstddef>       // byte, size_t
#include <cstdint>       // uint64_t
#include <memory>        // make_unique_for_overwrite
#include <span>          // span
#include <string>        // string
#include <system_error>  // error_code, errc

#include <boost/asio/buffer.hpp>       // buffer
#include <boost/beast/core/error.hpp>  // error_code

#include "serve/file_reader.hpp"  // file_reader
#include "serve/lane.hpp"         // lane
#include "serve/respond.hpp"      // reply

namespace weft::tool {

// A stream that may be able to send a file without showing it to us.
template <class Stream>
concept sends_files = requires(Stream& s, std::uint64_t n, std::error_code& error) {
  { s.can_send_files() } -> std::convertible_to<bool>;
  { s.send_file(0, n, n, error) } -> std::convertible_to<std::uint64_t>;
};

// Stream: Asio's SyncWriteStream (the error_code form) with set_timeout(milliseconds); perhaps sends_files.
template <class Stream>
class reply_writer {
 public:
  static constexpr std::size_t chunk_bytes = 64U << 10;  // of a file, per write
  // What is left of a file is sent without a copy from here on; below, a copy is as cheap. Measured: docs/design/serve.md.
  static constexpr std::uint64_t direct_from = 256U << 10;
  static constexpr std::uint64_t direct_piece = 256U << 10;  // looked up in the page cache and sent at once

  struct outcome {
    bool complete = false;
    std::uint64_t body_bytes = 0;
    int error = 0;  // why the file could not be read, as long as nothing has left: the client can still be told
  };

  // `idle`: no byte may take longer than this to be taken by the system.
  reply_writer(Stream& stream, lane& slow, std::chrono::milliseconds idle) noexcept
      : stream_(stream), slow_(slow), idle_(idle) {}

  // May suspend.
  outcome send(const reply& what, std::string head) {
    if (what.send_body && what.file.valid()) {
      return send_file(what, head);
    }
    const std::uint64_t body = what.send_body ? what.text.size() : 0;
    if (body != 0) {
      head += what.text;
    }
    const bool done = write_all(std::as_bytes(std::span{head}));
    return {done, done ? body : 0, 0};
  }

 private:
  // The buffer exists only while a file is sent: an idle connection is small.
  outcome send_file(const reply& what, const std::string& head) {
    const std::size_t room =
        what.length < chunk_bytes ? head.size() + static_cast<std::size_t>(what.length) : head.size() + chunk_bytes;
    const auto memory = std::make_unique_for_overwrite<std::byte[]>(room);
    const std::span<std::byte> space{memory.get(), room};
    file_reader reader{what.file.get(), slow_};
    std::copy_n(std::as_bytes(std::span{head}).data(), head.size(), space.data());
    std::size_t filled = head.size();
    std::uint64_t done = 0;  // read
    std::uint64_t sent = 0;  // written
    do {
      while (filled < space.size() && done < what.length) {
        const auto want = std::min<std::uint64_t>(space.size() - filled, what.length - done);
        const auto n = reader.read(space.subspan(filled, static_cast<std::size_t>(want)), what.offset + done);
        if (n <= 0) {
          // The file shrank, or its disk failed. Once its length has been promised, cutting the connection short is the only
          // way left to say so; the bytes read so far are not sent, as part of a buffer could pass for the whole.
          return {false, sent, n < 0 && sent == 0 ? static_cast<int>(-n) : 0};
        }
        filled += static_cast<std::size_t>(n);
        done += static_cast<std::uint64_t>(n);
      }
      if (!write_all(space.first(filled))) {
        return {false, sent, 0};
      }
      filled = 0;
      const bool goes_on = send_directly(reader, what, done);
      sent = done;
      if (!goes_on) {
        return {false, sent, 0};
      }
    } while (done < what.length);
    return {true, sent, 0};
  }

  // Sends pieces for as long as they are in the page cache, and counts them in `done`. False: the connection is at its end.
  bool send_directly(file_reader& reader, const reply& what, std::uint64_t& done) {
    if constexpr (sends_files<Stream>) {
      while (stream_.can_send_files() && what.length - done >= direct_from) {
        const auto piece = std::min(what.length - done, direct_piece);
        if (!reader.is_cached(what.offset + done, piece)) {
          return true;  // through the lane, which may wait for the disk
        }
        std::error_code error;
        const auto n = stream_.send_file(what.file.get(), what.offset + done, piece, error);
        done += n;
        const bool slow_but_moving = error == std::errc::timed_out && n != 0;  // the limit was that of the whole piece
        if (n < piece && !slow_but_moving) {
          return false;  // also without an error: the file has shrunk
        }
      }
    }
    return true;
  }

  bool write_all(std::span<const std::byte> bytes) {
    stream_.set_timeout(idle_);
    while (!bytes.empty()) {
      boost::beast::error_code ec;
      const std::size_t n = stream_.write_some(boost::asio::buffer(bytes.data(), bytes.size()), ec);
      if (ec) {
        return false;
      }
      bytes = bytes.subspan(n);
    }
    return true;
  }

  Stream& stream_;
  lane& slow_;
  std::chrono::milliseconds idle_;
};

}  // namespace weft::tool
