// Closing while others wait, and numbers that are used again at once: nobody is forgotten, nobody else is woken.
#include <thread>  // thread

#include <fcntl.h>       // fcntl
#include <sys/epoll.h>   // EPOLLIN
#include <sys/socket.h>  // socketpair
#include <sys/wait.h>    // waitpid
#include <unistd.h>      // fork, pause

#include <csignal>  // kill

#include <gtest/gtest.h>

#include "io/descriptor_slot.hpp"
#include "net/loopback.hpp"
#include "net/waits.hpp"
#include "sched/worker.hpp"  // current_worker

namespace {

using namespace weft_test;
using weft::net::tcp_listener;
using weft::net::tcp_stream;

class Closing : public testing::TestWithParam<unsigned> {
 protected:
  template <class F>
  void in_fiber(F&& f) {
    weft::run(workers(GetParam()), std::forward<F>(f));
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, Closing, testing::Values(1U, 2U));

std::error_code read_error(tcp_stream& s) {
  std::byte one;
  std::error_code error;
  const std::size_t n = s.read_some({&one, 1}, error);
  EXPECT_TRUE(!error || n == 0);
  return error;
}

TEST_P(Closing, EndsTheReaderTheWriterAndTheAcceptor) {
  in_fiber([] {
    stream_pair p = connected_pair();
    auto listener = listen_anywhere();
    auto reader = weft::spawn([&] { return read_error(p.client); });
    auto writer = weft::spawn([&] {
      std::error_code error;
      p.client.write_all(std::vector<std::byte>(64 << 20), error);
      return error;
    });
    auto acceptor = weft::spawn([&] {
      std::error_code error;
      listener.accept(error);
      return error;
    });
    wait_until_parked(p.client.native_handle(), 2);  // one that comes late would say bad_file_descriptor
    wait_until_parked(listener.native_handle(), 1);
    const int number = p.client.native_handle();
    p.client.close();
    listener.close();
    EXPECT_EQ(reader.join(), std::errc::operation_canceled);
    EXPECT_EQ(writer.join(), std::errc::operation_canceled);
    EXPECT_EQ(acceptor.join(), std::errc::operation_canceled);
    EXPECT_EQ(read_error(p.client), std::errc::bad_file_descriptor);
    EXPECT_EQ(p.client.native_handle(), -1);
    EXPECT_EQ(::fcntl(number, F_GETFD), -1) << "the last one out has closed the number";
    p.client.close();
  });
}

TEST_P(Closing, FromAPlainThreadEndsAFibersWait) {
  weft::runtime rt(workers(GetParam()));
  for (int i = 0; i < rounds(300, 50); ++i) {
    stream_pair p = connected_pair();
    auto reader = rt.spawn([&] { return read_error(p.client); });
    if (i % 2 == 0) {
      std::this_thread::yield();
    }
    p.client.close();
    const std::error_code error = reader.join();
    ASSERT_TRUE(error == std::errc::operation_canceled || error == std::errc::bad_file_descriptor) << error;
  }
}

TEST_P(Closing, ByAFiberEndsAPlainThreadsWait) {
  weft::runtime rt(workers(GetParam()));
  for (int i = 0; i < rounds(300, 50); ++i) {
    stream_pair p = connected_pair();
    std::error_code error;
    std::thread reader([&] { error = read_error(p.client); });
    if (i % 2 == 0) {
      std::this_thread::yield();
    }
    rt.run([&] { p.client.close(); });
    reader.join();
    ASSERT_TRUE(error == std::errc::operation_canceled || error == std::errc::bad_file_descriptor) << error;
  }
}

TEST(PlainThread, WaitsWithADeadlineAndForData) {
  stream_pair p = connected_pair();
  p.client.set_timeout(20ms);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(read_error(p.client), std::errc::timed_out);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 20ms);
  p.client.clear_timeout();
  std::uint64_t got = 0;
  std::thread reader([&] { p.client.read_exactly(writable_bytes_of(got)); });
  p.server.write_all(bytes_of(std::uint64_t{42}));
  reader.join();
  EXPECT_EQ(got, 42U);
}

TEST(PlainThread, ASecondReaderIsRefusedThereToo) {
  stream_pair p = connected_pair();
  weft::runtime rt(workers(1));
  std::byte one, mine{};
  auto reader = rt.spawn([&] { return p.client.read_some({&one, 1}); });
  rt.run([] { let_others_run(); });  // one worker: the reader has parked
  std::error_code error;
  p.client.read_some({&mine, 1}, error);
  EXPECT_EQ(error, std::errc::device_or_resource_busy);
  p.server.write_all({&mine, 1});
  EXPECT_EQ(reader.join(), 1U);
}

// Slots and numbers are both handed out last in, first out, so every round meets its predecessor's.
TEST_P(Closing, ReusedNumbersNeverWakeAFormerOwnerNorGetItsEvents) {
  const int cycles = rounds(100000, 3000);
  in_fiber([&] {
    int reused = 0, last_number = -1;
    std::byte one{};
    for (int i = 0; i < cycles; ++i) {
      int fds[2];
      ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
      auto near = tcp_stream::from_native(fds[0]);
      auto far = tcp_stream::from_native(fds[1]);
      reused += near.native_handle() == last_number ? 1 : 0;
      last_number = near.native_handle();
      auto reader = weft::spawn([&near] { return read_error(near); });
      weft::this_fiber::yield();
      if (i % 4 == 0) {
        far.write_all({&one, 1});  // an event is on its way when the number is closed
        std::error_code error;
        near.close(error);
        const auto ended = reader.join();
        ASSERT_TRUE(!ended || ended == std::errc::operation_canceled || ended == std::errc::bad_file_descriptor)
            << ended;
      } else {
        near.close();
        const auto ended = reader.join();
        ASSERT_TRUE(ended == std::errc::operation_canceled || ended == std::errc::bad_file_descriptor) << ended;
      }
    }
    EXPECT_GT(reused, cycles / 2) << "the system did not reuse numbers: nothing was tested";
  });
}

TEST_P(Closing, AStaleEventAndAStaleHandleFindNothing) {
  in_fiber([] {
    using namespace weft::detail;
    const int old_socket = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const descriptor_handle old_handle = open_descriptor(old_socket);
    const std::uint32_t index = old_handle.slot->index;
    close_descriptor(old_handle);
    const descriptor_handle reborn =
        open_descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), sharing::exclusive, false);
    ASSERT_EQ(reborn.slot, old_handle.slot);
    const std::uint32_t generation = reborn.generation;
    EXPECT_EQ(generation, old_handle.generation + 1);
    const bool& ready = old_handle.slot->ready_in(direction::read);
    worker* const here = current_worker();
    old_handle.slot->lock.lock();
    EXPECT_FALSE(ready);
    old_handle.slot->lock.unlock();
    on_descriptor_event(index, old_handle.generation, EPOLLIN | EPOLLOUT | EPOLLHUP, here);
    EXPECT_FALSE(ready);
    on_descriptor_event(index, generation, EPOLLIN, here);
    EXPECT_TRUE(ready);
    EXPECT_FALSE(close_descriptor(old_handle));
    EXPECT_EQ(old_handle.slot->generation, generation) << "a stale handle closed the new owner's descriptor";
    close_descriptor(reborn);
  });
}

TEST_P(Closing, ADuplicateInAChildKeepsNoRegistrationAlive) {
  in_fiber([] {
    stream_pair p = connected_pair();
    auto reader = weft::spawn([&] { return read_error(p.client); });
    let_others_run();
    const pid_t child = ::fork();
    if (child == 0) {
      ::pause();  // holds duplicates of both ends
      ::_exit(0);
    }
    ASSERT_GT(child, 0);
    p.client.close();
    const auto ended = reader.join();
    EXPECT_TRUE(ended == std::errc::operation_canceled || ended == std::errc::bad_file_descriptor) << ended;
    // The child's copy is the same open socket: were it still registered, these would be events for a stranger.
    stream_pair q = connected_pair();
    auto stranger = weft::spawn([&] { return read_error(q.client); });
    let_others_run();
    std::byte one{};
    p.server.write_all({&one, 1});
    EXPECT_FALSE(stranger.join_for(10ms));
    q.server.write_all({&one, 1});
    EXPECT_EQ(stranger.join(), std::error_code{});
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
  });
}

TEST_P(Closing, ReadersWritersAndClosersRaceWithoutLoss) {
  const int cycles = rounds(3000, 200);
  in_fiber([&] {
    for (int i = 0; i < cycles; ++i) {
      stream_pair p = connected_pair();
      auto reader = weft::spawn({.name = "reader", .spread = true}, [&] {
        std::array<std::byte, 64> buffer;
        std::error_code error;
        while (p.client.read_some(buffer, error) != 0) {
        }
        return error;
      });
      auto writer = weft::spawn({.name = "writer", .spread = true}, [&] {
        std::array<std::byte, 64> buffer{};
        std::error_code error;
        while (!error) {
          p.client.write_some(buffer, error);
        }
        return error;
      });
      auto closer = weft::spawn({.name = "closer", .spread = true}, [&] { p.client.close(); });
      for (int k = 0; k < i % 5; ++k) {
        weft::this_fiber::yield();
      }
      std::error_code ignored;
      p.server.write_some(bytes_of(i), ignored);
      closer.join();
      const auto r = reader.join(), w = writer.join();
      ASSERT_TRUE(r == std::errc::operation_canceled || r == std::errc::bad_file_descriptor) << r;
      ASSERT_TRUE(w == std::errc::operation_canceled || w == std::errc::bad_file_descriptor) << w;
    }
  });
}

TEST_P(Closing, MovingAssigningAndDestroyingCloseWhatWasHeld) {
  in_fiber([] {
    stream_pair p = connected_pair();
    stream_pair q = connected_pair();
    const int number = p.client.native_handle();
    p.client = std::move(q.client);
    EXPECT_EQ(::fcntl(number, F_GETFD), -1);
    EXPECT_EQ(read_error(p.server), std::error_code{});  // end of stream
    EXPECT_FALSE(q.client.is_open());
    auto& same = p.client;
    p.client = std::move(same);
    EXPECT_TRUE(p.client.is_open());
  });
}

}  // namespace
