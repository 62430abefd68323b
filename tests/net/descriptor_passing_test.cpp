// Descriptors that travel over Unix sockets: they arrive, they are closed on exec, and none is ever left over.
#include <array>  // array

#include <fcntl.h>         // fcntl, FD_CLOEXEC
#include <sys/resource.h>  // setrlimit
#include <sys/socket.h>    // socketpair
#include <unistd.h>        // pipe, read, write

#include <gtest/gtest.h>
#include <weft/net/unix_datagram.hpp>
#include <weft/net/unix_stream.hpp>

#include "io/faults.hpp"
#include "net/loopback.hpp"
#include "net/numbers.hpp"
#include "net/waits.hpp"

namespace {

using namespace weft_test;
using weft::detail::os::call;
using weft::net::owned_descriptor;
using weft::net::unix_datagram;
using weft::net::unix_stream;

template <class Socket>
struct native_pair {
  Socket a, b;
};
template <class Socket>
native_pair<Socket> connected(int type) {
  int fds[2];
  EXPECT_EQ(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), 0);
  return {Socket::from_native(fds[0]), Socket::from_native(fds[1])};
}

struct pipe_ends {
  owned_descriptor out, in;
  pipe_ends() {
    int fds[2];
    EXPECT_EQ(::pipe(fds), 0);
    out.reset(fds[0]);
    in.reset(fds[1]);
  }
};

// That a number is the other end of `in`.
void expect_is_out_of(const owned_descriptor& in, int out) {
  const char sent = 'w';
  char got = 0;
  EXPECT_EQ(::write(in.get(), &sent, 1), 1);
  EXPECT_EQ(::read(out, &got, 1), 1);
  EXPECT_EQ(got, sent);
}

class Passing : public testing::TestWithParam<unsigned> {
 protected:
  template <class F>
  void in_fiber(F&& f) {
    const int before = open_numbers("pipe:");
    weft::run(workers(GetParam()), std::forward<F>(f));
    EXPECT_EQ(open_numbers("pipe:"), before) << "a descriptor that nobody took was left open";
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, Passing, testing::Values(1U, 2U));

TEST_P(Passing, OverAStreamWithTheBytes) {
  in_fiber([] {
    auto p = connected<unix_stream>(SOCK_STREAM);
    pipe_ends one, two;
    const auto sent = patterned(1, 10);
    auto receiver = weft::spawn([&] {
      std::array<owned_descriptor, 3> owners;
      std::vector<std::byte> room(20);
      const auto got = p.b.receive_descriptors(room, owners);
      EXPECT_EQ(got.size, 10U);
      EXPECT_EQ(got.descriptors, 2U);
      EXPECT_FALSE(got.lost);
      EXPECT_FALSE(owners[2]);
      room.resize(got.size);
      EXPECT_EQ(room, sent);
      EXPECT_NE(::fcntl(owners[0].get(), F_GETFD) & FD_CLOEXEC, 0);
      expect_is_out_of(one.in, owners[0].get());
      expect_is_out_of(two.in, owners[1].get());
    });
    wait_until_parked(p.b.native_handle(), 1);
    p.a.send_descriptors(std::array{one.out.get(), two.out.get()}, sent);
    receiver.join();
    expect_is_out_of(one.in, one.out.get());
  });
}

TEST_P(Passing, OverADatagramToAPeerAndToAName) {
  in_fiber([] {
    auto at = unix_datagram::bind(fresh_name());
    auto peer = unix_datagram::connect(at.local_endpoint());
    pipe_ends one;
    const std::byte mark{3};
    peer.send_descriptors(std::array{one.out.get()}, {&mark, 1});
    unix_datagram::unnamed().send_descriptors_to(std::array{one.out.get()}, {}, at.local_endpoint());
    for (const std::size_t size : {1U, 0U}) {
      owned_descriptor owner;
      std::byte room[4];
      const auto got = at.receive_descriptors(room, {&owner, 1});
      EXPECT_EQ(got.size, size);
      EXPECT_EQ(got.descriptors, 1U);
      EXPECT_FALSE(got.truncated);
      expect_is_out_of(one.in, owner.get());
    }
    const std::byte more[8] = {};
    peer.send_descriptors({}, more);
    std::byte room[4];
    const auto got = at.receive_descriptors(room, {});
    EXPECT_TRUE(got.truncated);
    EXPECT_EQ(got.descriptors, 0U);
  });
}

TEST_P(Passing, AMessageLargerThanTheBufferGoesOnWithoutThem) {
  in_fiber([] {
    auto p = connected<unix_stream>(SOCK_STREAM);
    pipe_ends one;
    const auto sent = patterned(7, 4 << 20);
    auto sender = weft::spawn([&] { p.a.send_descriptors(std::array{one.out.get()}, sent); });
    std::vector<std::byte> got(sent.size());
    std::array<owned_descriptor, 4> owners;
    const auto first = p.b.receive_descriptors(got, owners);
    EXPECT_EQ(first.descriptors, 1U);
    p.b.read_exactly(std::span(got).subspan(first.size));
    sender.join();
    EXPECT_EQ(got, sent);
  });
}

TEST_P(Passing, ThoseWithoutAnOwnerAreClosed) {
  in_fiber([] {
    auto p = connected<unix_stream>(SOCK_STREAM);
    pipe_ends one;
    const int before = open_numbers("pipe:");
    const std::array<int, 3> same = {one.out.get(), one.out.get(), one.out.get()};
    std::byte byte{};
    p.a.send_descriptors(same, {&byte, 1});
    owned_descriptor owner;
    const auto got = p.b.receive_descriptors({&byte, 1}, {&owner, 1});
    EXPECT_EQ(got.descriptors, 1U);
    EXPECT_TRUE(got.lost);
    p.a.send_descriptors(same, {&byte, 1});
    EXPECT_EQ(p.b.read_some({&byte, 1}), 1U) << "and a plain read takes none";
    p.a.send_descriptors(same, {&byte, 1});
    EXPECT_TRUE(p.b.receive_descriptors({&byte, 1}, {}).lost);
    EXPECT_EQ(open_numbers("pipe:"), before + 1) << "the one that was taken";
  });
}

TEST_P(Passing, AFullDescriptorTableIsToldAndLeaksNothing) {
  in_fiber([] {
    auto p = connected<unix_datagram>(SOCK_DGRAM);
    pipe_ends one;
    const int pipes = open_numbers("pipe:");
    std::array<int, 253> many;
    many.fill(one.out.get());
    std::byte byte{};
    p.a.send_descriptors(many, {&byte, 1});
    std::array<owned_descriptor, 253> owners;
    std::byte room[4];
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const int next = ::dup(one.out.get());
    ::close(next);
    const rlimit small{static_cast<rlim_t>(next) + 2, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &small), 0);
    const auto got = p.b.receive_descriptors(room, owners);
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_EQ(got.size, 1U);
    EXPECT_LT(got.descriptors, 253U);
    EXPECT_TRUE(got.lost);
    EXPECT_EQ(open_numbers("pipe:"), pipes + static_cast<int>(got.descriptors));
    p.a.send_descriptors(many, {&byte, 1});
    EXPECT_EQ(p.b.receive_descriptors(room, owners).descriptors, 253U);
  });
}

TEST_P(Passing, SendingFailsAsTheSystemSays) {
  in_fiber([] {
    auto p = connected<unix_stream>(SOCK_STREAM);
    auto d = connected<unix_datagram>(SOCK_DGRAM);
    const std::byte byte{};
    std::error_code error;
    const std::vector<int> too_many(254, 0);
    EXPECT_EQ(p.a.send_descriptors(too_many, {&byte, 1}, error), 0U);
    EXPECT_EQ(error, std::errc::invalid_argument);
    d.a.send_descriptors(too_many, {&byte, 1}, error);
    EXPECT_EQ(error, std::errc::invalid_argument);
    EXPECT_EQ(p.a.send_descriptors(std::array{0}, {}, error), 0U);
    EXPECT_EQ(error, std::errc::invalid_argument);
    EXPECT_THROW(p.a.send_descriptors(std::array{1 << 29}, {&byte, 1}), std::system_error);
    EXPECT_EQ(p.a.send_descriptors(std::array{1 << 29}, {&byte, 1}, error), 0U);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
  });
}

TEST_P(Passing, FaultsStopsTimesAndClosing) {
  in_fiber([] {
    auto p = connected<unix_stream>(SOCK_STREAM);
    pipe_ends one;
    std::byte byte{};
    owned_descriptor owner;
    {
      const planned_faults interrupted(call::receive_message, {.error = EINTR}, 0, 3);
      p.a.send_descriptors(std::array{one.out.get()}, patterned(1, 3));
      EXPECT_EQ(p.b.receive_descriptors({&byte, 1}, {&owner, 1}).descriptors, 1U);
    }
    std::byte rest[2];
    p.b.read_exactly(rest);
    {
      const planned_faults partial(call::send_message, {.limit = 1});
      p.a.send_descriptors(std::array{one.out.get()}, patterned(1, 3));
      EXPECT_EQ(p.b.receive_descriptors({&byte, 1}, {&owner, 1}).descriptors, 1U);
      p.b.read_exactly(rest);
    }
    std::error_code error;
    expect_cancelled([&] { p.b.receive_descriptors({&byte, 1}, {&owner, 1}); });
    expect_cancelled([&] { p.b.receive_descriptors({&byte, 1}, {&owner, 1}, error); });
    expect_cancelled([&] { p.b.send_descriptors(std::array{one.out.get()}, std::vector<std::byte>(8 << 20)); });
    p.b.set_timeout(0ms);
    p.b.receive_descriptors({&byte, 1}, {&owner, 1}, error);
    EXPECT_EQ(error, std::errc::timed_out);
    p.b.clear_timeout();
    auto reader = weft::spawn([&] {
      std::error_code told;
      p.b.receive_descriptors({&byte, 1}, {&owner, 1}, told);
      return told;
    });
    wait_until_parked(p.b.native_handle(), 1);
    p.b.close();
    EXPECT_EQ(reader.join(), std::errc::operation_canceled);
    EXPECT_EQ(p.a.send_descriptors(std::array{one.out.get()}, {&byte, 1}, error), 0U);
    EXPECT_TRUE(error == std::errc::broken_pipe || error == std::errc::connection_reset) << error;
  });
}

// The system adds one to every message of a socket that asked for it; nobody would know of the number.
TEST_P(Passing, AProcessDescriptorThatComesAlongIsClosed) {
  in_fiber([] {
    constexpr int pass_process_descriptor = 76;  // SO_PASSPIDFD
    auto p = connected<unix_stream>(SOCK_STREAM);
    const int on = 1;
    if (::setsockopt(p.b.native_handle(), SOL_SOCKET, pass_process_descriptor, &on, sizeof on) != 0) {
      GTEST_SKIP() << "no SO_PASSPIDFD here";
    }
    const int before = open_numbers("");
    pipe_ends one;
    std::byte byte{};
    owned_descriptor owners[2];
    p.a.send_descriptors(std::array{one.out.get()}, {&byte, 1});
    const auto got = p.b.receive_descriptors({&byte, 1}, owners);
    EXPECT_EQ(got.descriptors, 1U);
    EXPECT_FALSE(got.lost);
    expect_is_out_of(one.in, owners[0].get());
    EXPECT_EQ(open_numbers(""), before + 3) << "the pipe's and the one that was taken";
  });
}

TEST(OwnedDescriptor, ClosesWhatItOwnsOnce) {
  const int before = open_numbers("pipe:");
  {
    pipe_ends p;
    owned_descriptor moved = std::move(p.out);
    EXPECT_FALSE(p.out);
    EXPECT_TRUE(moved);
    moved = std::move(p.in);
    EXPECT_EQ(open_numbers("pipe:"), before + 1);
    owned_descriptor& self = moved;
    moved = std::move(self);
    EXPECT_TRUE(moved);
    const int number = moved.release();
    EXPECT_EQ(moved.get(), -1);
    moved.reset(number);
  }
  EXPECT_EQ(open_numbers("pipe:"), before);
}

}  // namespace
