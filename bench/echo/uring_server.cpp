// Echo as a hand-written loop over io_uring: a ring, a thread and a listener for each worker; the ring's work is done
// when its thread asks for it. Three choices are there to be measured against each other:
//
//   --accept multishot|single    one request that accepts for good, or one for each connection
//   --receive single|multishot   a request for each read, into the connection's buffer; or one for good, into buffers
//                                that the kernel picks out of a pool
//   --send direct|ring           send(2) at once, or a request
#include <liburing.h>
#include <sys/mman.h>    // mmap
#include <sys/socket.h>  // send, shutdown
#include <unistd.h>      // close

#include <array>    // array
#include <cerrno>   // EAGAIN, ENOBUFS
#include <cstddef>  // size_t
#include <cstdint>  // uint64_t
#include <span>     // span
#include <string>   // string
#include <utility>  // exchange
#include <vector>   // vector

#include "echo/calls.hpp"
#include "echo/server.hpp"

namespace {

using echo::needed;
using echo::told;

struct choices {
  bool accept_multishot;
  bool receive_multishot;
  bool send_direct;
};

constexpr int no_buffer = -1;

struct connection {
  explicit connection(int of) noexcept : fd(of) {}
  int fd;
  bool receiving = false;     // a request is in the ring
  bool sending = false;       // likewise
  bool over = false;          // closed as soon as neither is
  int held = no_buffer;       // of the pool: what is being sent lies in it
  std::span<const char> out;  // what the ring is to send
  std::string kept;           // where that lies when it is in no buffer
  std::string unsent;         // what came meanwhile
  std::array<char, echo::read_bytes> buffer;
};

// Buffers that the kernel picks from.
class buffer_pool {
 public:
  explicit buffer_pool(io_uring& ring) : bytes_(std::size_t{count} * echo::read_bytes) {
    void* const shared = ::mmap(nullptr, sizeof(io_uring_buf) * count, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    needed(shared == MAP_FAILED ? -ENOMEM : 0, "mmap");
    ring_ = static_cast<io_uring_buf_ring*>(shared);
    io_uring_buf_reg what{};
    what.ring_addr = reinterpret_cast<std::uint64_t>(shared);
    what.ring_entries = count;
    needed(io_uring_register_buf_ring(&ring, &what, 0), "io_uring_register_buf_ring");
    io_uring_buf_ring_init(ring_);
    for (int i = 0; i < count; ++i) {
      io_uring_buf_ring_add(ring_, at(i), echo::read_bytes, static_cast<unsigned short>(i), mask, i);
    }
    io_uring_buf_ring_advance(ring_, count);
  }
  char* at(int i) noexcept { return bytes_.data() + static_cast<std::size_t>(i) * echo::read_bytes; }
  void give_back(int i) noexcept {
    io_uring_buf_ring_add(ring_, at(i), echo::read_bytes, static_cast<unsigned short>(i), mask, 0);
    io_uring_buf_ring_advance(ring_, 1);
  }

 private:
  static constexpr int count = 4096;
  static constexpr int mask = count - 1;
  std::vector<char> bytes_;
  io_uring_buf_ring* ring_ = nullptr;
};

io_uring open_ring() {
  io_uring ring{};
  io_uring_params how{};
  how.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
  how.cq_entries = 16384;
  needed(io_uring_queue_init_params(2048, &ring, &how), "io_uring (Linux 6.1 or later is needed)");
  return ring;
}

class loop {
 public:
  loop(int listener, const choices& chosen) : listener_(listener), chosen_(chosen), ring_(open_ring()), pool_(ring_) {}

  void run() {
    accept();
    for (;;) {
      io_uring_submit_and_wait(&ring_, 1);
      unsigned head = 0;
      unsigned seen = 0;
      const io_uring_cqe* told_of = nullptr;
      io_uring_for_each_cqe(&ring_, head, told_of) {
        ++seen;
        on_end(*told_of);
      }
      io_uring_cq_advance(&ring_, seen);
    }
  }

 private:
  // Which request of a connection's an end is of: the lowest bit of its address.
  static constexpr std::uint64_t of_receive = 0;
  static constexpr std::uint64_t of_send = 1;
  static constexpr std::uint64_t of_accept = 2;  // no connection's

  io_uring_sqe& entry() {
    io_uring_sqe* one = io_uring_get_sqe(&ring_);
    while (one == nullptr) {
      io_uring_submit(&ring_);
      one = io_uring_get_sqe(&ring_);
    }
    return *one;
  }

  void accept() {
    io_uring_sqe& one = entry();
    const int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    if (chosen_.accept_multishot) {
      io_uring_prep_multishot_accept(&one, listener_, nullptr, nullptr, flags);
    } else {
      io_uring_prep_accept(&one, listener_, nullptr, nullptr, flags);
    }
    one.user_data = of_accept;
  }

  void receive(connection& c) {
    io_uring_sqe& one = entry();
    if (chosen_.receive_multishot) {
      io_uring_prep_recv_multishot(&one, c.fd, nullptr, 0, 0);
      one.flags |= IOSQE_BUFFER_SELECT;
    } else {
      io_uring_prep_recv(&one, c.fd, c.buffer.data(), c.buffer.size(), 0);
    }
    one.user_data = reinterpret_cast<std::uint64_t>(&c) | of_receive;
    c.receiving = true;
  }

  void send(connection& c, std::span<const char> what) {
    c.out = what;
    io_uring_sqe& one = entry();
    io_uring_prep_send(&one, c.fd, what.data(), what.size(), MSG_NOSIGNAL);
    one.user_data = reinterpret_cast<std::uint64_t>(&c) | of_send;
    c.sending = true;
  }

  void on_end(const io_uring_cqe& end) {
    if (end.user_data == of_accept) {
      if (end.res >= 0) {
        receive(*new connection(end.res));
      }
      if ((end.flags & IORING_CQE_F_MORE) == 0) {
        accept();
      }
      return;
    }
    auto& c = *reinterpret_cast<connection*>(end.user_data & ~of_send);
    if ((end.user_data & of_send) != 0) {
      on_sent(c, end.res);
    } else {
      on_received(c, end);
    }
    if (c.over && !c.receiving && !c.sending) {
      ::close(c.fd);
      delete &c;
    }
  }

  void on_received(connection& c, const io_uring_cqe& end) {
    c.receiving = (end.flags & IORING_CQE_F_MORE) != 0;
    const int picked =
        (end.flags & IORING_CQE_F_BUFFER) != 0 ? static_cast<int>(end.flags >> IORING_CQE_BUFFER_SHIFT) : no_buffer;
    if (end.res <= 0 && end.res != -ENOBUFS) {
      c.over = true;
    } else if (end.res > 0 && !c.over) {
      const char* const data = picked == no_buffer ? c.buffer.data() : pool_.at(picked);
      give_back(c, {data, static_cast<std::size_t>(end.res)}, picked);
    }
    if (picked != no_buffer && c.held != picked) {
      pool_.give_back(picked);
    }
    // Into the connection's own buffer only when that is not being sent from.
    if (!c.receiving && !c.over && (chosen_.receive_multishot || !c.sending)) {
      receive(c);
    }
  }

  void give_back(connection& c, std::span<const char> what, int picked) {
    if (c.sending) {
      c.unsent.append(what.data(), what.size());
    } else if (!chosen_.send_direct) {
      c.held = picked;
      send(c, what);
    } else {
      const long sent = told(::send(c.fd, what.data(), what.size(), MSG_NOSIGNAL));
      if (sent < 0 && sent != -EAGAIN) {
        end_early(c);
        return;
      }
      const auto taken = static_cast<std::size_t>(sent < 0 ? 0 : sent);
      if (taken < what.size()) {
        c.kept.assign(what.data() + taken, what.size() - taken);
        send(c, c.kept);
      }
    }
  }

  void on_sent(connection& c, int result) {
    c.sending = false;
    if (result <= 0) {
      end_early(c);
    } else if (static_cast<std::size_t>(result) < c.out.size()) {
      send(c, c.out.subspan(static_cast<std::size_t>(result)));
      return;
    }
    if (c.held != no_buffer) {
      pool_.give_back(std::exchange(c.held, no_buffer));
    }
    if (c.over) {
      return;
    }
    if (!c.unsent.empty()) {
      c.kept = std::exchange(c.unsent, {});
      send(c, c.kept);
    } else if (!c.receiving) {
      receive(c);
    }
  }

  static void end_early(connection& c) {
    c.over = true;
    ::shutdown(c.fd, SHUT_RDWR);  // a request to receive that is in the ring ends
  }

  int listener_;
  choices chosen_;
  io_uring ring_;
  buffer_pool pool_;
};

}  // namespace

int main(int argc, char** argv) {
  const echo::arguments given(argc, argv);
  const choices chosen{
      .accept_multishot = given.either("accept", "multishot", "single", true),
      .receive_multishot = given.either("receive", "multishot", "single", false),
      .send_direct = given.either("send", "direct", "ring", true),
  };
  echo::serve_on_threads(given, [chosen](int listener) { loop(listener, chosen).run(); });
}
