// What is a ring's own: buffers that the kernel holds, calls it does not know, room that runs out, in both directions.
#include "io/ring.hpp"

#include <algorithm>  // all_of
#include <array>      // array
#include <cstring>    // memcmp
#include <thread>     // thread
#include <vector>     // vector

#include <poll.h>         // POLLIN
#include <sys/eventfd.h>  // eventfd
#include <unistd.h>       // close

#include <gtest/gtest.h>

#include "io/faults.hpp"
#include "io/worker_poller.hpp"
#include "net/loopback.hpp"
#include "net/waits.hpp"
#include "support/seeded_random.hpp"

namespace {

using namespace weft_test;
using weft::io_backend;
using weft::net::tcp_stream;
using weft::testing::seeded_random;
namespace os = weft::detail::os;
namespace d = weft::detail;

class Ring : public testing::Test {
 protected:
  void SetUp() override {
    if (d::why_no_uring() != 0) {
      GTEST_SKIP() << "no io_uring here: errno " << d::why_no_uring();
    }
  }
  template <class F>
  static void run(F&& body, unsigned n = 1) {
    weft::runtime rt({.workers = n, .io = io_backend::uring});
    rt.run([&] {
      int error = 0;
      ASSERT_NE(d::current_backend(error), nullptr) << error;
      ASSERT_NE(d::current_backend(error)->requests(), nullptr) << "WEFT_IO asks for another backend";
      body();
    });
  }
};

// A buffer between two walls: whoever writes beside it, or into it after its time, is seen.
struct walled_buffer {
  walled_buffer() { storage.fill(untouched); }
  std::span<std::byte> inside() { return std::span(storage).subspan(wall, size); }
  bool is_intact() const {
    return std::all_of(storage.begin(), storage.end(), [](std::byte b) { return b == untouched; });
  }
  static constexpr std::byte untouched{0x5a};
  static constexpr std::size_t wall = 64, size = 256;
  std::array<std::byte, size + 2 * wall> storage;
};

// The storm: a read is stopped, timed out or closed at any moment around the arrival of its data. Afterwards the kernel
// has nothing to do with its buffer, which lies on the stack, and no byte is lost to the next read.
TEST_F(Ring, ABufferIsTheFibersOwnAgainWhenItsReadHasEnded) {
  run([] {
    seeded_random random(17);
    for (int lap = 0; lap < rounds(3000, 500); ++lap) {
      stream_pair p = connected_pair();
      const auto pause = std::chrono::microseconds(random.below(60));
      const auto sent = patterned(static_cast<std::uint64_t>(lap), walled_buffer::size);
      auto reader = weft::spawn([&] {
        walled_buffer buffer;
        std::error_code error;
        std::size_t n = 0;
        try {
          n = p.server.read_some(buffer.inside(), error);
        } catch (const weft::cancelled&) {
        }
        const walled_buffer as_left = buffer;
        weft::this_fiber::yield();
        weft::this_fiber::yield();
        EXPECT_EQ(std::memcmp(&as_left, &buffer, sizeof buffer), 0) << "written to after the read had ended";
        EXPECT_TRUE(n != 0 || buffer.is_intact());
        return std::vector<std::byte>(buffer.inside().begin(), buffer.inside().begin() + static_cast<long>(n));
      });
      if (lap % 3 == 1) p.server.set_timeout(pause);
      auto writer = weft::spawn([&] { p.client.write_all(sent); });
      weft::this_fiber::sleep_for(pause);
      if (lap % 3 == 0) reader.request_stop();
      std::vector<std::byte> got = reader.join();
      writer.join();
      p.client.shutdown_write();
      p.server.clear_timeout();
      for (std::array<std::byte, 100> rest; const std::size_t n = p.server.read_some(rest);) {
        got.insert(got.end(), rest.begin(), rest.begin() + n);
      }
      ASSERT_EQ(got, sent) << "lap " << lap;
    }
  });
}

TEST_F(Ring, ACloseFromAnotherWorkerEndsARead) {
  run(
      [] {
        for (int lap = 0; lap < rounds(500, 100); ++lap) {
          stream_pair p = connected_pair();
          auto reader = weft::spawn({.spread = true}, [&] {
            walled_buffer buffer;
            std::error_code error;
            p.server.read_some(buffer.inside(), error);
            EXPECT_TRUE(buffer.is_intact());
            return error;
          });
          auto closer = weft::spawn({.spread = true}, [&] {
            for (int i = 0; i < lap % 20; ++i) weft::this_fiber::yield();
            p.server.close();
          });
          closer.join();
          const std::error_code error = reader.join();
          EXPECT_TRUE(error == std::errc::operation_canceled || error == std::errc::bad_file_descriptor) << error;
        }
      },
      2);
}

TEST_F(Ring, AnAcceptThatIsStoppedLosesNoConnection) {
  run([] {
    auto listener = listen_anywhere();
    for (int lap = 0; lap < rounds(500, 100); ++lap) {
      auto doomed = weft::spawn([&]() -> tcp_stream {
        try {
          return listener.accept();
        } catch (const weft::cancelled&) {
          return {};
        }
      });
      for (int i = 0; i < lap % 5; ++i) weft::this_fiber::yield();
      auto client = tcp_stream::connect(listener.local_endpoint());
      for (int i = 0; i < lap % 7; ++i) weft::this_fiber::yield();
      doomed.request_stop();
      tcp_stream got = doomed.join();
      if (!got.is_open()) {
        std::error_code error;
        listener.set_timeout(5s);
        got = listener.accept(error);
        ASSERT_FALSE(error) << error.message();
      }
      client.close();
      std::byte one;
      EXPECT_EQ(got.read_some({&one, 1}), 0U);
    }
  });
}

// More waits than the ring has entries and room for ends, all ending at once.
TEST_F(Ring, WaitsBeyondTheRoomOfTheRingAllEnd) {
  run([] {
    const int waits = rounds(6000, 3000);
    const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    ASSERT_GE(fd, 0);
    int ended = 0;
    std::vector<weft::fiber<void>> all;
    for (int i = 0; i < waits; ++i) {
      all.push_back(weft::spawn([&] {
        d::ring* const mine = d::current_ring(d::ring_call::poll);
        EXPECT_EQ(d::wait_for_events(*mine, fd, POLLIN, d::no_deadline, "test"), 0);
        ++ended;
      }));
    }
    let_others_run();
    EXPECT_EQ(ended, 0);
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(fd, &one, sizeof one), static_cast<ssize_t>(sizeof one));
    for (auto& f : all) f.join();
    EXPECT_EQ(ended, waits);
    ::close(fd);
  });
}

TEST_F(Ring, WithoutRoomForARequestTheCallSaysSo) {
  run([] {
    stream_pair p = connected_pair();
    std::byte one{};
    std::error_code error;
    {
      const planned_faults faults(os::call::uring_entry, {.error = ENOBUFS}, 0, 1000);
      p.server.read_some({&one, 1}, error);
      EXPECT_EQ(error, std::errc::no_buffer_space);
    }
    p.client.write_all({&one, 1});
    EXPECT_EQ(p.server.read_some({&one, 1}), 1U);
  });
}

// The wish to end a request needs room, too. Without it, it is uttered later.
TEST_F(Ring, AStopWaitsUntilThereIsRoomToEndTheRequest) {
  run([] {
    stream_pair p = connected_pair();
    auto reader = weft::spawn([&] {
      std::byte one{};
      p.server.read_some({&one, 1});
    });
    let_others_run();
    const planned_faults faults(os::call::uring_entry, {.error = ENOBUFS}, 0, 5);
    reader.request_stop();
    EXPECT_THROW(reader.join(), weft::cancelled);
    EXPECT_GE(planned_faults::calls(), 6);
  });
}

TEST_F(Ring, EnteringTheKernelMayFailForAWhile) {
  for (const int error : {EINTR, EAGAIN, EBUSY}) {
    run([error] {
      stream_pair p = connected_pair();
      const planned_faults faults(os::call::uring_enter, {.error = error}, 0, 20);
      auto reader = weft::spawn([&] {
        std::byte one{};
        return p.server.read_some({&one, 1});
      });
      let_others_run();
      const std::byte one{};
      p.client.write_all({&one, 1});
      EXPECT_EQ(reader.join(), 1U);
    });
  }
}

// Kernels that do not know a call: the others do its work.
class without_opcode {
 public:
  explicit without_opcode(int opcode) {
    absent.store(opcode, std::memory_order_relaxed);  // relaxed: published by installing the hook
    os::set_fault_hook([](os::call which, int asked) noexcept {
      // relaxed: as above
      const bool planned = which == os::call::uring_probe && asked == absent.load(std::memory_order_relaxed);
      return os::fault{.error = planned ? ENOSYS : 0};
    });
  }
  ~without_opcode() { os::set_fault_hook(nullptr); }
  without_opcode(const without_opcode&) = delete;
  without_opcode& operator=(const without_opcode&) = delete;

 private:
  inline static d::atomic<int> absent{-1};
};

class RingWithout : public Ring, public testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(Opcodes, RingWithout, testing::Values(13 /* accept */, 27 /* recv */));

TEST_P(RingWithout, TheCallIsMadeWhenTheDescriptorIsReady) {
  const without_opcode faults(GetParam());
  run([] {
    const bool has_accept = d::current_ring(d::ring_call::accept) != nullptr;
    const bool has_recv = d::current_ring(d::ring_call::recv) != nullptr;
    EXPECT_NE(has_accept, has_recv);
    auto listener = listen_anywhere();
    auto server = weft::spawn([&] {
      tcp_stream s = listener.accept();
      std::array<std::byte, 100> buffer;
      while (const std::size_t n = s.read_some(buffer)) s.write_all(std::span(buffer).first(n));
    });
    let_others_run();
    auto client = tcp_stream::connect(listener.local_endpoint());
    const auto sent = patterned(3, 10'000);
    auto writer = weft::spawn([&] {
      client.write_all(sent);
      client.shutdown_write();
    });
    std::vector<std::byte> got(sent.size());
    client.read_exactly(got);
    EXPECT_EQ(got, sent);
    std::error_code error;
    std::byte one{};
    EXPECT_EQ(client.read_some({&one, 1}, error), 0U);
    writer.join();
    server.join();
    listener.set_timeout(1ms);
    EXPECT_FALSE(listener.accept(error).is_open());
    EXPECT_EQ(error, std::errc::timed_out);
  });
}

TEST_F(Ring, WithoutPollingThereIsNone) {
  const without_opcode faults(6 /* poll */);
  std::thread([] {
    d::worker_poller p;
    int error = 0;
    EXPECT_EQ(p.backend(io_backend::uring, error), nullptr);
    EXPECT_EQ(error, ENOSYS);
    d::poll_backend* const instead = p.backend(io_backend::automatic, error);
    ASSERT_NE(instead, nullptr);
    EXPECT_NE(instead->set(), nullptr);
  }).join();
}

// Two runtimes, two backends, one descriptor: whoever waits is served, whatever the other waits with.
TEST_F(Ring, ADescriptorMayBeWaitedForWithBothBackendsByTurns) {
  weft::runtime ringed({.workers = 1, .io = io_backend::uring});
  weft::runtime polled({.workers = 1, .io = io_backend::epoll});
  stream_pair p = connected_pair();
  for (int lap = 0; lap < rounds(2000, 300); ++lap) {
    const auto sent = patterned(static_cast<std::uint64_t>(lap), 1 + static_cast<std::size_t>(lap) % 40);
    std::vector<std::byte> got(sent.size());
    auto reader = (lap % 2 == 0 ? ringed : polled).spawn([&] { p.server.read_exactly(std::span(got).first(1)); });
    p.client.write_all(sent);
    reader.join();
    (lap % 3 == 0 ? ringed : polled).run([&] { p.server.read_exactly(std::span(got).subspan(1)); });
    ASSERT_EQ(got, sent) << "lap " << lap;
  }
}

}  // namespace
