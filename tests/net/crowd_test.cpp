// A crowd of TCP connections that mostly wait: each of them lives, and what they cost does not grow.
//
// In a soak there are 50,000 for ten minutes (WEFT_SOAK_SECONDS=180: three), else a few hundred for a second. Both ends are
// fibers of this program, so a connection needs two descriptors; where their limit is too low for that, and cannot be raised,
// a soak forks as many processes as it takes and each has a share of the connections, all at the same time.
#include <cstdint>  // uint64_t
#include <cstdio>   // printf
#include <cstdlib>  // getenv
#include <fstream>  // /proc/self/statm
#include <vector>   // vector

#include <netinet/in.h>  // sockaddr_in
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>  // fork, pipe, sysconf

#include <gtest/gtest.h>
#include <weft/base/atomic.hpp>
#include <weft/net/error.hpp>
#include <weft/net/wait.hpp>
#include <weft/sync/event.hpp>
#include <weft/sync/latch.hpp>
#include <weft/sync/semaphore.hpp>
#include <weft/task/scope.hpp>

#include "io/os.hpp"
#include "io/raw_descriptor.hpp"
#include "net/loopback.hpp"
#include "net/numbers.hpp"
#include "support/scale.hpp"

namespace {

using namespace weft_test;
using weft::net::endpoint;
using weft::net::tcp_stream;
using weft::testing::instrumented;
namespace os = weft::detail::os;

constexpr unsigned per_source = 10'000;    // of some 28,000 ports that an address has for one peer
constexpr rlim_t other_descriptors = 200;  // the test program's own, and what pollers need
constexpr unsigned connecting = 500;  // at a time: the backlog must not overflow, for then the kernel waits a second

struct extent {
  unsigned connections;
  std::chrono::milliseconds length, pause;  // how long, and how long a connection waits before it says something
  unsigned first = 0;                       // number of the first connection: of each process its own
};
extent wanted() {
  if (!weft::testing::soaking()) return {instrumented ? 50U : 300U, 1s, 100ms};
  const char* const seconds = std::getenv("WEFT_SOAK_SECONDS");
  const std::chrono::seconds length(seconds != nullptr ? std::atoi(seconds) : 600);
  return {instrumented ? 1'000U : 50'000U, length, 20s};
}

// What goes over the wire: it says whose it is and which in order, and proves it.
struct note {
  std::uint64_t key, number, proof;
};
note note_of(std::uint64_t key, std::uint64_t number) {
  return {key, number, (key + 1) * 0x9e3779b97f4a7c15ULL ^ (number + 1) * 0xbf58476d1ce4e5b9ULL};
}
bool is(const note& n, std::uint64_t key, std::uint64_t number) {
  return n.key == key && n.number == number && n.proof == note_of(key, number).proof;
}

std::size_t resident_bytes() {
  std::size_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// From the address 127.0.0.(2 + source), of which the connections of one peer need several.
tcp_stream connect_from(unsigned source, const endpoint& to) {
  const os::result made = os::socket(AF_INET, SOCK_STREAM);
  if (!made.ok()) throw std::system_error(made.error, std::system_category(), "socket");
  weft::detail::raw_descriptor socket(made.fd());
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + source);
  // The port is chosen when the peer is known: one that is in use with another peer will do.
  int error = os::set_option(socket.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1).error;
  if (error == 0) error = os::bind(socket.get(), &from, sizeof from).error;
  if (error == 0) error = os::connect(socket.get(), to.data(), to.size()).error;
  if (error == EINPROGRESS) {
    weft::net::wait_writable(socket.get());
    error = static_cast<int>(os::get_option(socket.get(), SOL_SOCKET, SO_ERROR).value);
  }
  if (error != 0) throw std::system_error(error, std::system_category(), "connect");
  tcp_stream stream = tcp_stream::from_native(socket.get());
  static_cast<void>(socket.release());
  return stream;
}

// Both ends of all connections of a process.
class crowd {
 public:
  explicit crowd(const extent& size) : size_(size), all_there_(size.connections), served_(size.connections) {}

  // `together` returns when the crowds of all processes are there. In a fiber.
  template <class Together>
  void meet(Together&& together) {
    const std::size_t before = resident_bytes();
    auto listener = listen_anywhere();
    weft::scope servers, clients;
    servers.spawn([&] {
      for (;;) {
        servers.spawn({.name = "server", .spread = true},
                      [this, peer = listener.accept()]() mutable { serve(std::move(peer)); });
      }
    });
    for (unsigned i = 0; i < size_.connections; ++i) {
      clients.spawn({.name = "client", .spread = true},
                    [this, i, to = listener.local_endpoint()] { talk(size_.first + i, to); });
    }
    all_there_.wait();
    EXPECT_EQ(living(), size_.connections);
    together();
    watch_memory(before);
    EXPECT_EQ(living(), size_.connections);
    over_.set();
    clients.join();
    served_.wait();
    servers.request_stop();
    servers.join();
    EXPECT_EQ(wrong_.load(weft::detail::memory_order_relaxed), 0U)
        << "messages";  // relaxed: all who counted were joined
    EXPECT_EQ(lived_.load(weft::detail::memory_order_relaxed), size_.connections);  // relaxed: as above
  }

 private:
  void serve(tcp_stream peer) {
    note said;
    std::error_code error;
    for (std::uint64_t number = 0;; ++number) {
      const std::size_t size = peer.read_exactly(writable_bytes_of(said), error);
      if (error) {
        count_unless(error == weft::net::error::end_of_stream && size == 0);
        break;
      }
      count_unless(is(said, said.key, number));
      peer.write_all(bytes_of(note_of(said.key, ~number)));
    }
    peer.close();
    served_.count_down();
  }

  void talk(unsigned i, const endpoint& to) {
    tcp_stream stream;
    std::uint64_t number = 0;
    const auto exchange = [&] {
      stream.write_all(bytes_of(note_of(i, number)));
      note answer;
      stream.read_exactly(writable_bytes_of(answer));
      count_unless(is(answer, i, ~number));
      ++number;
    };
    try {
      turns_.acquire();
      stream = connect_from(i / per_source, to);
      exchange();
      turns_.release();
      living_.fetch_add(1, weft::detail::memory_order_relaxed);  // relaxed: a count; the latch orders it
      all_there_.count_down();
      // Each at a time of its own, the second of all within the first pause.
      auto pause = size_.pause * (i % 1000) / 1000;
      while (!over_.wait_for(pause)) {
        exchange();
        pause = size_.pause;
      }
      exchange();
      lived_.fetch_add(1, weft::detail::memory_order_relaxed);  // relaxed: a count, read after the join
    } catch (const std::exception& e) {
      living_.fetch_sub(1, weft::detail::memory_order_relaxed);  // relaxed: as above
      ADD_FAILURE() << "connection " << i << " after " << number << " exchanges: " << e.what();
      if (number == 0) std::abort();  // the others would wait for it
    }
  }

  // From the first minute on, or the first third. Descriptors and memory that grow with time are leaks.
  void watch_memory(std::size_t before) {
    const auto start = std::chrono::steady_clock::now();
    weft::this_fiber::sleep_for(std::min<std::chrono::milliseconds>(size_.length / 3, 60s));
    const std::size_t first = resident_bytes();
    std::size_t last = first, most = first;
    while (std::chrono::steady_clock::now() - start < size_.length) {
      weft::this_fiber::sleep_for(std::min<std::chrono::milliseconds>(size_.length / 10, 10s));
      last = resident_bytes();
      most = std::max(most, last);
    }
    const auto per_connection = [&](std::size_t bytes) {
      return (bytes - std::min(before, bytes)) / size_.connections;
    };
    std::printf(
        "%u connections, both ends here: %zu bytes of memory each after the first part, %zu at the end, %zu at most\n",
        size_.connections, per_connection(first), per_connection(last), per_connection(most));
    if (!instrumented) {  // sanitizers keep what was freed
      EXPECT_LE(most, first + first / 50 + few_pages);
    }
  }

  void count_unless(bool good) {
    if (!good) wrong_.fetch_add(1, weft::detail::memory_order_relaxed);  // relaxed: a count, read after the join
  }
  unsigned living() const {
    return living_.load(weft::detail::memory_order_relaxed);
  }  // relaxed: see where it is counted

  static constexpr std::size_t few_pages = 1U << 20;  // of the test program's own, where the crowd is small

  const extent size_;
  weft::latch all_there_, served_;
  weft::event over_;
  weft::counting_semaphore<> turns_{connecting};
  weft::detail::atomic<unsigned> living_{0}, lived_{0};
  weft::detail::atomic<std::uint64_t> wrong_{0};
};

template <class Together>
void run_crowd(const extent& size, Together&& together) {
  const int sockets = open_numbers("socket:");
  weft::run(workers(2), [&] { crowd(size).meet(together); });
  EXPECT_EQ(open_numbers("socket:"), sockets) << "descriptors were not given back";
}

// While one lives, as many descriptors may be open as can be had, up to what is wanted.
class open_files_limit {
 public:
  explicit open_files_limit(rlim_t wanted) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    now_ = before_;
    if (now_.rlim_cur >= wanted) return;
    const rlimit more{wanted, std::max(wanted, before_.rlim_max)};  // root may raise the hard limit, too
    if (::setrlimit(RLIMIT_NOFILE, &more) == 0) {
      now_ = more;
      return;
    }
    const rlimit most{std::min(wanted, before_.rlim_max), before_.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &most) == 0) now_ = most;
  }
  ~open_files_limit() {
    const rlimit soft{before_.rlim_cur, now_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &soft);
  }
  open_files_limit(const open_files_limit&) = delete;
  open_files_limit& operator=(const open_files_limit&) = delete;
  rlim_t current() const { return now_.rlim_cur; }

 private:
  rlimit before_{}, now_{};
};

// The shares begin to count their time when all are complete: each says so with a byte, and waits for the end of a pipe.
void run_shares(const extent& size, unsigned shares) {
  int ready[2], go[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(go), 0);
  std::printf("in %u processes: the limit of open files is too low for one\n", shares);
  std::fflush(nullptr);
  std::vector<pid_t> children;
  for (unsigned share = 0; share < shares; ++share) {
    const unsigned all = size.connections;
    const unsigned first = all * share / shares;
    const extent part{all * (share + 1) / shares - first, size.length, size.pause, first};
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(go[1]);
      run_crowd(part, [&] {
        EXPECT_EQ(::write(ready[1], "", 1), 1);
        weft::net::wait_readable(go[0]);
      });
      std::fflush(nullptr);
      ::_exit(testing::Test::HasFailure() ? 1 : 0);
    }
    children.push_back(child);
  }
  ::close(ready[1]);
  char byte = 0;
  unsigned complete = 0;
  while (complete < shares && ::read(ready[0], &byte, 1) == 1) ++complete;  // 0: all have ended, having failed
  EXPECT_EQ(complete, shares);
  ::close(go[1]);
  for (const pid_t child : children) {
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "a share has failed: " << status;
  }
  ::close(ready[0]);
  ::close(go[0]);
}

TEST(Crowd, ConnectionsThatMostlyWaitAllLiveInMemoryThatStaysTheSame) {
  if (weft::testing::emulated)
    GTEST_SKIP() << "qemu-user 7.2 does not know IP_BIND_ADDRESS_NO_PORT: Protocol not available";
  const extent size = wanted();
  constexpr std::size_t each = (instrumented ? 2048 : 16) * 1024;  // two stacks of a page or two, and the kernel's
  // The size is the claim: fewer connections would show something else, so what does not fit is told and not shrunk.
  if (weft::testing::fitting_count(size.connections, each) < size.connections) {
    GTEST_SKIP() << size.connections << " connections need more memory than is free here";
  }
  const open_files_limit limit(2 * rlim_t{size.connections} + other_descriptors);
  const rlim_t per_process = (limit.current() - std::min(limit.current(), other_descriptors)) / 2;
  if (per_process >= size.connections) {
    return run_crowd(size, [] {});
  }
  // Shares need fork() with threads to follow, which ThreadSanitizer forbids, and a process for each few is no crowd.
  if (instrumented || per_process < size.connections / 20) {
    GTEST_SKIP() << size.connections << " connections need " << 2 * size.connections + other_descriptors
                 << " open files; the limit is " << limit.current() << ", and it takes CAP_SYS_RESOURCE to raise it";
  }
  run_shares(size, static_cast<unsigned>((size.connections + per_process - 1) / per_process));
}

}  // namespace
