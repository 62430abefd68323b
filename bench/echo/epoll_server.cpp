// Echo as a hand-written loop over epoll: the least that can be done with it. A thread and a listener for each worker,
// edges, one try of each call, a buffer for all connections of the thread.
#include <sys/epoll.h>   // epoll_wait
#include <sys/socket.h>  // accept4, recv, send
#include <unistd.h>      // close

#include <array>    // array
#include <cerrno>   // EAGAIN
#include <cstddef>  // size_t
#include <string>   // string

#include "echo/calls.hpp"
#include "echo/server.hpp"

namespace {

using echo::needed;
using echo::told;

struct connection {
  int fd;
  std::string unsent;  // the rest of what the socket did not take: nothing is read before it is gone
};

class loop {
 public:
  explicit loop(int listener) : listener_(listener), epoll_(needed(told(::epoll_create1(EPOLL_CLOEXEC)), "epoll")) {
    epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
    needed(told(::epoll_ctl(epoll_, EPOLL_CTL_ADD, listener, &event)), "EPOLL_CTL_ADD");
  }

  void run() {
    std::array<epoll_event, 512> events;
    for (;;) {
      const long n = told(::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1));
      for (long i = 0; i < n; ++i) {
        void* const who = events[static_cast<std::size_t>(i)].data.ptr;
        if (who == nullptr) {
          accept_all();
        } else if (auto* const c = static_cast<connection*>(who); !advance(*c)) {
          ::close(c->fd);
          delete c;
        }
      }
    }
  }

 private:
  void accept_all() {
    for (;;) {
      const long fd = told(::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (fd < 0) {
        return;
      }
      auto* const c = new connection{static_cast<int>(fd), {}};
      epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = c}};
      needed(told(::epoll_ctl(epoll_, EPOLL_CTL_ADD, c->fd, &event)), "EPOLL_CTL_ADD");
    }
  }

  // False: the connection is over.
  bool advance(connection& c) {
    while (send_rest(c)) {
      if (!c.unsent.empty()) {
        return true;  // no room: an edge will tell
      }
      const long n = told(::recv(c.fd, buffer_.data(), buffer_.size(), 0));
      if (n <= 0) {
        return n == -EAGAIN;
      }
      const auto got = static_cast<std::size_t>(n);
      const long sent = told(::send(c.fd, buffer_.data(), got, MSG_NOSIGNAL));
      if (sent < 0 && sent != -EAGAIN) {
        return false;
      }
      const std::size_t taken = sent < 0 ? 0 : static_cast<std::size_t>(sent);
      if (taken == got && got < buffer_.size()) {
        return true;  // a short read: the next byte, or the end, comes with an edge
      }
      c.unsent.assign(buffer_.data() + taken, got - taken);
    }
    return false;
  }

  static bool send_rest(connection& c) {
    while (!c.unsent.empty()) {
      const long sent = told(::send(c.fd, c.unsent.data(), c.unsent.size(), MSG_NOSIGNAL));
      if (sent < 0) {
        return sent == -EAGAIN;
      }
      c.unsent.erase(0, static_cast<std::size_t>(sent));
    }
    return true;
  }

  int listener_;
  int epoll_;
  std::array<char, echo::read_bytes> buffer_;
};

}  // namespace

int main(int argc, char** argv) {
  const echo::arguments given(argc, argv);
  echo::serve_on_threads(given, [](int listener) { loop(listener).run(); });
}
