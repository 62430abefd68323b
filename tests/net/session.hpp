// Everything that moves bytes, all at the same time, with data that check themselves; whoever is told of a planted error tries
// again from where it stands.
#pragma once
#include <algorithm>     // min
#include <array>         // array
#include <span>          // span
#include <system_error>  // error_code, system_error
#include <vector>        // vector

#include <fcntl.h>        // F_SETPIPE_SZ
#include <sys/eventfd.h>  // eventfd
#include <sys/socket.h>   // setsockopt, socketpair
#include <unistd.h>       // close

#include <gtest/gtest.h>
#include <weft/fs/file.hpp>
#include <weft/io/pipe.hpp>
#include <weft/net/error.hpp>
#include <weft/net/udp_socket.hpp>
#include <weft/net/unix_stream.hpp>
#include <weft/net/wait.hpp>
#include <weft/sync/semaphore.hpp>
#include <weft/task/scope.hpp>

#include "io/descriptor_slot.hpp"
#include "io/seeded_faults.hpp"
#include "net/loopback.hpp"
#include "net/numbers.hpp"
#include "support/seeded_random.hpp"

namespace weft_test {

// What is open: must be the same afterwards. Numbers of pollers are not looked at, they stay.
struct open_things {
  int sockets = open_numbers("socket:");
  int pipes = open_numbers("pipe:");
  std::uint32_t slots = weft::detail::count_slots().open;
  bool operator==(const open_things&) const = default;
  friend void PrintTo(const open_things& t, std::ostream* out) {
    *out << t.sockets << " sockets, " << t.pipes << " pipes, " << t.slots << " slots";
  }
};

class session {
 public:
  session(std::uint64_t seed, const seeded_faults& plan, std::size_t bytes) : seed_(seed), plan_(plan), bytes_(bytes) {}

  void run() {
    weft::scope all;
    // The port of a connection that has ended rests for a minute: those of a soak would run out.
    if (!weft::testing::soaking() || seed_ % 16 == 0)
      all.spawn({.name = "tcp", .spread = true}, [this] { over_tcp(); });
    all.spawn({.name = "unix", .spread = true}, [this] { over_unix(); });
    all.spawn({.name = "pipe", .spread = true}, [this] { over_a_pipe(); });
    all.spawn({.name = "udp", .spread = true}, [this] { over_udp(); });
    all.spawn({.name = "events", .spread = true}, [this] { over_an_eventfd(); });
    all.join();
  }

 private:
  using random = weft::testing::seeded_random;
  // An edge that a planted EAGAIN has used up does not come again, so waits look again after this.
  static constexpr auto patience = std::chrono::microseconds(300);

  // Throws what nobody has planted.
  void pass(const std::error_code& error) const {
    if (error && !plan_.may_be_told(error)) throw std::system_error(error, "not planted");
  }
  // Until it succeeds.
  template <class F>
  auto persist(F&& attempt) const {
    for (;;) {
      std::error_code error;
      auto made = attempt(error);
      if (!error) return made;
      pass(error);
      weft::this_fiber::yield();
    }
  }

  template <class Stream>
  void send(Stream& to, std::uint64_t key) const {
    random drawn(seed_ * 31 + key);
    const auto all = patterned(key, bytes_);
    for (std::size_t at = 0; at < all.size();) {
      const auto rest = std::span<const std::byte>(all).subspan(at);
      const auto part = rest.first(std::min(rest.size(), 1 + drawn.below(4000)));
      std::error_code error;
      at += write_somehow(to, part, drawn.below(3), error);
      pass(error);
    }
  }
  template <class Stream>
  static std::size_t write_somehow(Stream& to, std::span<const std::byte> part, std::size_t how,
                                   std::error_code& error) {
    if (how == 0) return to.write_some(part, error);
    if constexpr (requires(std::array<std::span<const std::byte>, 3> row) { to.write_all(row, error); }) {
      if (how == 1) {
        const std::size_t third = part.size() / 3;
        const std::array row{part.first(third), part.subspan(third, third), part.subspan(2 * third)};
        return to.write_all(row, error);
      }
    }
    return to.write_all(part, error);
  }

  template <class Stream>
  void receive(Stream& from, std::uint64_t key) const {
    random drawn(seed_ * 37 + key);
    std::vector<std::byte> buffer(4000);
    std::size_t at = 0;
    for (bool over = false; !over;) {
      const auto part = std::span(buffer).first(1 + drawn.below(buffer.size()));
      const bool whole = drawn.below(2) == 0;
      std::error_code error;
      const std::size_t n = whole ? from.read_exactly(part, error) : from.read_some(part, error);
      for (std::size_t i = 0; i < n; ++i, ++at) {
        if (part[i] != pattern(key, at)) {
          throw std::runtime_error("byte " + std::to_string(at) + " of stream " + std::to_string(key) + " is wrong");
        }
      }
      over = error == weft::net::error::end_of_stream || error == weft::fs::error::end_of_file ||
             (n == 0 && !error && !whole);
      if (!over) pass(error);
    }
    if (at != bytes_) {
      throw std::runtime_error("stream " + std::to_string(key) + " ended after " + std::to_string(at) + " bytes");
    }
  }

  // Both directions at the same time.
  template <class Stream>
  void exchange(Stream& near, Stream& far, std::uint64_t key) const {
    near.set_timeout(patience);
    far.set_timeout(patience);
    weft::scope all;
    for (Stream* const s : {&near, &far}) {
      const std::uint64_t own = key + (s == &near ? 0 : 1), other = key + (s == &near ? 1 : 0);
      all.spawn([this, s, own] {
        send(*s, own);
        s->shutdown_write();
      });
      all.spawn([this, s, other] { receive(*s, other); });
    }
    all.join();
  }

  // The next connection whose client is still there: one that was told of an error has left what it had begun.
  weft::net::tcp_stream accept_living(weft::net::tcp_listener& from) const {
    for (;;) {
      auto made = persist([&](std::error_code& error) { return from.accept(error); });
      made.set_timeout(patience);
      std::byte hello{};
      for (bool dead = false; !dead;) {
        std::error_code error;
        if (made.read_some({&hello, 1}, error) == 1) return made;
        dead = !error || error == std::errc::connection_reset;
        if (!dead) pass(error);
      }
    }
  }

  void over_tcp() const {
    auto listener = persist([](std::error_code& error) {
      return weft::net::tcp_listener::bind(weft::net::endpoint::parse("127.0.0.1:0"), error);
    });
    listener.set_timeout(patience);
    const auto at = listener.local_endpoint();
    auto accepting = weft::spawn([&] { return accept_living(listener); });
    auto near = persist([&](std::error_code& error) { return weft::net::tcp_stream::connect(at, error); });
    near.set_timeout(patience);
    const std::byte hello{1};
    persist([&](std::error_code& error) { return near.write_all({&hello, 1}, error); });
    auto far = accepting.join();
    exchange(near, far, 100);
  }

  void over_unix() const {
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    const int small = 4096;  // writers have to wait
    for (const int fd : fds) ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    auto near = weft::net::unix_stream::from_native(fds[0]);
    auto far = weft::net::unix_stream::from_native(fds[1]);
    exchange(near, far, 200);
  }

  void over_a_pipe() const {
    weft::pipe p = persist([](std::error_code& error) { return weft::pipe(error); });
    ::fcntl(p.writer.native_handle(), F_SETPIPE_SZ, 4096);
    p.reader.set_timeout(patience);
    p.writer.set_timeout(patience);
    weft::scope all;
    all.spawn([&] {
      send(p.writer, 300);
      p.writer.close();
    });
    all.spawn([&] { receive(p.reader, 300); });
    all.join();
  }

  // At most `window` datagrams are under way, so none finds its receiver's queue full.
  void over_udp() const {
    constexpr std::size_t window = 16;
    const std::size_t count = 4 * window;
    const auto bound = [](std::error_code& error) {
      return weft::net::udp_socket::bind(weft::net::endpoint::parse("127.0.0.1:0"), error);
    };
    auto from = persist(bound);
    auto to = persist(bound);
    from.set_timeout(patience);
    to.set_timeout(patience);
    const auto peer = to.local_endpoint();
    weft::counting_semaphore<> room(window);
    weft::scope all;
    all.spawn([&] {
      for (std::size_t i = 0; i < count; ++i) {
        room.acquire();
        const auto data = patterned(400 + i, 1 + i * 13);
        persist([&](std::error_code& error) {
          from.send_to(data, peer, error);
          return true;
        });
      }
    });
    all.spawn([&] {
      std::vector<std::byte> buffer(2000);
      for (std::size_t i = 0; i < count; ++i) {
        const auto got = persist([&](std::error_code& error) { return to.receive_from(buffer, error); });
        const auto wanted = patterned(400 + i, 1 + i * 13);
        if (got.truncated || !std::ranges::equal(std::span(buffer).first(got.size), wanted)) {
          throw std::runtime_error("datagram " + std::to_string(i) + " is wrong");
        }
        room.release();
      }
    });
    all.join();
  }

  // A foreign descriptor, waited for and written to by turns.
  void over_an_eventfd() const {
    const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    weft::scope all;
    std::uint64_t taken = 0;
    all.spawn([&] {
      while (taken < 20) {
        persist([&](std::error_code& error) {
          weft::net::wait_readable(fd, error);
          return true;
        });
        eventfd_t n = 0;
        if (::eventfd_read(fd, &n) == 0) taken += n;
      }
    });
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(::eventfd_write(fd, 1), 0);
      weft::this_fiber::yield();
    }
    all.join();
    EXPECT_EQ(taken, 20U);
    ::close(fd);
  }

  const std::uint64_t seed_;
  const seeded_faults& plan_;
  const std::size_t bytes_;
};

// What the system may do to a call that is made all the same later, and what it may tell of to a caller who may try again.
inline std::vector<fault_mix> everyday_faults() {
  using weft::detail::os::call;
  using weft::detail::os::fault;
  const auto errors = [](std::initializer_list<int> numbers) {
    std::vector<fault> all;
    for (const int n : numbers) all.push_back({.error = n});
    return all;
  };
  const auto streaming = [&](std::initializer_list<int> numbers) {
    auto all = errors(numbers);
    for (const std::size_t limit : {1U, 7U, 100U}) all.push_back({.limit = limit});
    return all;
  };
  return {{call::recv, streaming({EINTR, EAGAIN, ENOMEM})},
          {call::send, streaming({EINTR, EAGAIN, ENOBUFS, ENOMEM})},
          {call::read, streaming({EINTR, EAGAIN, ENOMEM})},
          {call::write, streaming({EINTR, EAGAIN, ENOMEM})},
          {call::receive_message, errors({EINTR, EAGAIN, ENOMEM})},
          {call::send_message, errors({EINTR, EAGAIN, ENOBUFS})},
          {call::accept, errors({EINTR, EAGAIN, ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM})},
          {call::socket, errors({EMFILE, ENFILE, ENOBUFS, ENOMEM})},
          {call::connect, errors({ECONNREFUSED, EADDRNOTAVAIL, ENOBUFS})},
          {call::bind, errors({EADDRINUSE, ENOMEM})},
          {call::listen, errors({EADDRINUSE})},
          {call::pipe, errors({EMFILE, ENFILE})},
          {call::duplicate, errors({EMFILE})},
          {call::poll, errors({EINTR, ENOMEM})},
          {call::epoll_add, errors({ENOMEM, ENOSPC})},
          {call::epoll_wait, errors({EINTR})},
          {call::epoll_pwait2, errors({EINTR})},
          {call::uring_entry, errors({ENOBUFS})},
          {call::uring_enter, errors({EINTR, EAGAIN, EBUSY})}};
}

}  // namespace weft_test
