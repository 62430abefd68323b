// Several buffers in one call: in order, as if they were one, however the system cuts the transfer.
#include <gtest/gtest.h>
#include <weft/net/unix_stream.hpp>

#include "io/faults.hpp"
#include "net/loopback.hpp"
#include "net/waits.hpp"

namespace {

using namespace weft_test;
using weft::detail::os::call;

class Vectored : public testing::TestWithParam<unsigned> {
 protected:
  template <class F>
  void in_fiber(F&& f) {
    weft::run(workers(GetParam()), std::forward<F>(f));
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, Vectored, testing::Values(1U, 2U));

using sources = std::vector<std::span<const std::byte>>;
using rooms = std::vector<std::span<std::byte>>;

// `data` cut into pieces of 0, 1, 2, ... bytes, and over again.
template <class Byte>
std::vector<std::span<Byte>> cut(std::span<Byte> data, std::size_t longest) {
  std::vector<std::span<Byte>> pieces;
  for (std::size_t size = 0; !data.empty(); size = (size + 1) % (longest + 1)) {
    const std::size_t n = std::min(size, data.size());
    pieces.push_back(data.first(n));
    data = data.subspan(n);
  }
  return pieces;
}

void expect_written(stream_pair& p, std::size_t size, std::size_t longest) {
  const auto sent = patterned(3, size);
  auto writer = weft::spawn([&] { p.client.write_all(cut(std::span<const std::byte>(sent), longest)); });
  std::vector<std::byte> got(size);
  p.server.read_exactly(got);
  writer.join();
  EXPECT_EQ(got, sent);
}

TEST_P(Vectored, ManyBuffersAreWrittenInOrder) {
  in_fiber([] {
    stream_pair p = connected_pair();
    expect_written(p, 10, 100);
    expect_written(p, 3000, 5);         // far more buffers than one call takes
    expect_written(p, 4 << 20, 30000);  // more than the socket takes at once
  });
}

TEST_P(Vectored, APartialWriteGoesOnWhereItStopped) {
  in_fiber([] {
    for (const std::size_t limit : {1U, 2U, 7U}) {
      const planned_faults partial(call::send_message, {.limit = limit}, 0, 1 << 30);
      stream_pair p = connected_pair();
      expect_written(p, 500, 9);
      EXPECT_GE(planned_faults::calls(), 50);
    }
    const planned_faults interrupted(call::send_message, {.error = EINTR}, 0, 3);
    stream_pair p = connected_pair();
    expect_written(p, 500, 9);
  });
}

TEST_P(Vectored, AReadFillsOneBufferAfterTheOther) {
  in_fiber([] {
    stream_pair p = connected_pair();
    const auto sent = patterned(5, 30);
    p.client.write_all(sent);
    p.client.shutdown_write();
    std::vector<std::byte> got(40);
    const rooms into = {std::span(got).subspan(0, 7), {}, std::span(got).subspan(7, 1), std::span(got).subspan(8)};
    std::size_t n = p.server.read_some(into);
    EXPECT_GE(n, 1U);
    while (n < 30) {  // TCP may deliver in pieces
      n += p.server.read_some(std::span(got).subspan(n));
    }
    got.resize(30);
    EXPECT_EQ(got, sent);
    std::byte more{};
    EXPECT_EQ(p.server.read_some(rooms{{&more, 1}}), 0U) << "the end";
  });
}

TEST_P(Vectored, AReaderOfMuchTakesNoMoreThanThereIs) {
  in_fiber([] {
    stream_pair p = connected_pair();
    std::vector<std::byte> got(1000);
    const auto into = cut(std::span(got), 3);  // more than one call fills
    const auto sent = patterned(6, got.size());
    auto writer = weft::spawn([&] { p.client.write_all(sent); });
    std::size_t n = p.server.read_some(into);
    EXPECT_LE(n, 64U * 3);
    while (n < got.size()) {
      n += p.server.read_some(std::span(got).subspan(n));
    }
    writer.join();
    EXPECT_EQ(got, sent);
  });
}

// After a short read of TCP the next one waits without asking; over several buffers it is the sum that counts.
TEST_P(Vectored, AShortReadCountsAllItsBuffers) {
  in_fiber([] {
    stream_pair p = connected_pair();
    std::byte a[4], b[4];
    const rooms into = {a, b};
    for (const auto& [size, calls] : {std::pair{8U, 2}, std::pair{5U, 1}}) {
      p.client.write_all(patterned(1, size));
      std::size_t n = 0;
      while (n < size) {
        n += p.server.read_some(into);
      }
      ASSERT_EQ(n, size);
      p.server.set_timeout(0ms);
      std::error_code error;
      const planned_faults only_counted(call::receive_message, {}, 0, 0);
      EXPECT_EQ(p.server.read_some(into, error), 0U);
      EXPECT_EQ(error, std::errc::timed_out);
      EXPECT_EQ(planned_faults::calls(), calls);
      p.server.clear_timeout();
    }
  });
}

TEST_P(Vectored, NoBytesAreDoneAtOnceAndTellAClosedStream) {
  in_fiber([] {
    stream_pair p = connected_pair();
    const sources nothing = {{}, {}};
    const rooms no_room = {{}, {}};
    p.client.write_all(nothing);
    p.client.write_all(sources{});
    EXPECT_EQ(p.client.read_some(no_room), 0U);
    p.client.close();
    std::error_code error;
    EXPECT_EQ(p.client.write_all(nothing, error), 0U);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
    EXPECT_THROW(p.client.read_some(no_room), std::system_error);
    EXPECT_EQ(p.client.write_all(sources{patterned(1, 4)}, error), 0U);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
  });
}

TEST_P(Vectored, StopsTimesAndClosingEndTheWaits) {
  in_fiber([] {
    stream_pair p = connected_pair();
    std::byte one{};
    const rooms room = {{&one, 1}};
    const std::vector<std::byte> block(8 << 20);
    const sources much(8, block);
    std::error_code error;
    expect_cancelled([&] { p.client.read_some(room); });
    expect_cancelled([&] { p.client.read_some(room, error); });
    expect_cancelled([&] { p.server.write_all(much); });
    expect_cancelled([&] { p.server.write_all(much, error); });
    stream_pair q = connected_pair();
    q.client.set_timeout(5ms);
    q.client.read_some(room, error);
    EXPECT_EQ(error, std::errc::timed_out);
    EXPECT_LT(q.client.write_all(much, error), much.size() * block.size());
    EXPECT_EQ(error, std::errc::timed_out);
    q.client.clear_timeout();
    auto reader = weft::spawn([&] {
      std::error_code told;
      q.client.read_some(room, told);
      return told;
    });
    auto writer = weft::spawn([&] {
      std::error_code told;
      q.client.write_all(much, told);
      return told;
    });
    wait_until_parked(q.client.native_handle(), 2);
    q.client.write_all(much, error);
    EXPECT_EQ(error, std::errc::device_or_resource_busy);
    q.client.close();
    EXPECT_EQ(reader.join(), std::errc::operation_canceled);
    EXPECT_EQ(writer.join(), std::errc::operation_canceled);
  });
}

}  // namespace
