// Sockets with other people's programs at the other end, as server and as client: bytes, half-closed streams, ends.
#include <csignal>      // SIGKILL
#include <filesystem>   // temp_directory_path, remove
#include <string>       // string
#include <string_view>  // string_view

#include <unistd.h>  // getpid

#include <gtest/gtest.h>
#include <weft/io/process.hpp>
#include <weft/net/unix_listener.hpp>
#include <weft/net/unix_stream.hpp>
#include <weft/sched/fiber.hpp>
#include <weft/task/deadline.hpp>

#include "net/loopback.hpp"
#include "net/numbers.hpp"

namespace {

using namespace weft_test;
using weft::process;
using weft::stdio;

constexpr auto patience = 60s;  // before something counts as hanging

// Other people's programs: ./dev test installs them where they can be had. Where not, there is nobody to talk to, and the
// test says so and counts as skipped.
bool has(const std::string& program) {
  std::error_code missing;
  process::spawn({program, "-h"}, {.input = stdio::null(), .output = stdio::null(), .error = stdio::null()}, missing);
  return !missing;
}

std::string text_of(std::uint64_t key, std::size_t size) {
  std::string text(size, ' ');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + std::to_integer<int>(pattern(key, i)) % 26);
  return text;
}
std::span<const std::byte> view_of(std::string_view text) { return std::as_bytes(std::span(text)); }

template <class Stream>
std::string read_to_end(Stream& from) {
  std::string all;
  for (std::array<std::byte, 5000> part; const std::size_t n = from.read_some(part);) {
    all.append(reinterpret_cast<const char*>(part.data()), n);
  }
  return all;
}

// A file name for a Unix socket, gone with its object.
class socket_file {
 public:
  ~socket_file() { std::filesystem::remove(path_); }
  socket_file() = default;
  socket_file(const socket_file&) = delete;
  socket_file& operator=(const socket_file&) = delete;
  const std::string& path() const { return path_; }
  weft::net::endpoint endpoint() const { return weft::net::endpoint::parse("unix:" + path_); }

 private:
  static inline int count = 0;
  const std::string path_ = std::filesystem::temp_directory_path() /
                            ("weft-interop." + std::to_string(::getpid()) + "." + std::to_string(++count));
};

// A program that has said on its standard error that it listens.
class listening_program {
 public:
  listening_program(const std::vector<std::string>& command, std::string_view sign, stdio input, stdio output)
      : child_(process::spawn(command, {.input = input, .output = output, .error = stdio::pipe()})) {
    while (said_.find(sign) == std::string::npos || said_.find('\n', said_.find(sign)) == std::string::npos) {
      std::array<std::byte, 200> part;
      const std::size_t n = child_.error().read_some(part);
      if (n == 0) throw std::runtime_error(command[0] + " ended: " + said_);
      said_.append(reinterpret_cast<const char*>(part.data()), n);
    }
    // It must not wait for somebody to read what else it says.
    listener_ = weft::spawn([this] { return child_.error().read_to_end(); });
  }
  ~listening_program() {
    std::error_code gone;
    child_.kill(SIGKILL, gone);
    listener_.join();
  }
  listening_program(const listening_program&) = delete;
  listening_program& operator=(const listening_program&) = delete;
  process& child() { return child_; }
  // What follows the last of those characters in the line with `before`.
  std::string said_after(std::string_view before, char last) const {
    const auto from = said_.find(before);
    const std::string line = said_.substr(from, said_.find('\n', from) - from);
    return line.substr(line.rfind(last) + 1);
  }

 private:
  process child_;
  std::string said_;
  weft::fiber<std::string> listener_;
};

class Interop : public testing::TestWithParam<unsigned> {
 protected:
  template <class F>
  void in_time(F&& f) {
    weft::run(workers(GetParam()), [&] { weft::with_timeout(patience, f); });
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, Interop, testing::Values(1U, 2U));

// Our server answers when it has seen that the client sends no more.
template <class Listener>
void answer_after_the_end(Listener& listener, const std::string& client_address) {
  const std::string asked = text_of(1, 500'000), answer = text_of(2, 700'000);
  auto serving = weft::spawn([&] {
    auto s = listener.accept();
    const std::string got = read_to_end(s);
    s.write_all(view_of(answer));
    s.close();
    return got;
  });
  const auto client = process::run({"socat", "-t", "60", "-", client_address}, asked);
  EXPECT_TRUE(client.status.success()) << client.error;
  EXPECT_TRUE(client.output == answer) << client.output.size();
  EXPECT_TRUE(serving.join() == asked);
}

// Our client sends and receives at the same time, says that it is done, and gets what the other has to say after that.
template <class Stream>
void ask_and_end(Stream s) {
  const std::string sent = text_of(3, 600'000);
  auto sending = weft::spawn([&] {
    s.write_all(view_of(sent));
    s.shutdown_write();
  });
  EXPECT_TRUE(read_to_end(s) == sent + "the end\n");
  sending.join();
}

TEST_P(Interop, SocatAsAClient) {
  in_time([&] {
    if (!has("socat")) GTEST_SKIP() << "no socat";
    auto tcp = listen_anywhere();
    answer_after_the_end(tcp, "TCP:" + tcp.local_endpoint().to_string());
    const socket_file file;
    auto local = weft::net::unix_listener::bind(file.endpoint());
    answer_after_the_end(local, "UNIX-CONNECT:" + file.path());
    const auto name = fresh_name();
    auto abstract = weft::net::unix_listener::bind(name);
    answer_after_the_end(abstract, "ABSTRACT-CONNECT:" + name.to_string().substr(std::string_view("unix:@").size()));
  });
}

TEST_P(Interop, SocatAsAServer) {
  in_time([&] {
    if (!has("socat")) GTEST_SKIP() << "no socat";
    const std::string program = "SYSTEM:cat && echo the end";
    {
      listening_program server({"socat", "-d", "-d", "-t", "60", "TCP-LISTEN:0,bind=127.0.0.1", program},
                               "listening on", stdio::null(), stdio::null());
      const auto at = weft::net::endpoint::parse("127.0.0.1:" + server.said_after("listening on", ':'));
      ask_and_end(weft::net::tcp_stream::connect(at));
      EXPECT_TRUE(server.child().wait().success());
    }
    const socket_file file;
    listening_program server({"socat", "-d", "-d", "-t", "60", "UNIX-LISTEN:" + file.path(), program}, "listening on",
                             stdio::null(), stdio::null());
    ask_and_end(weft::net::unix_stream::connect(file.endpoint()));
    EXPECT_TRUE(server.child().wait().success());
  });
}

TEST_P(Interop, NetcatAsAServerOfAUnixSocket) {
  in_time([&] {
    if (!has("nc")) GTEST_SKIP() << "no nc";
    const auto help = process::run({"nc", "-h"});
    if ((help.output + help.error).find("-U") == std::string::npos) GTEST_SKIP() << "this nc knows no Unix sockets";
    const socket_file file;
    listening_program server({"nc", "-v", "-N", "-l", "-U", file.path()}, "Listening on", stdio::pipe(), stdio::pipe());
    auto s = weft::net::unix_stream::connect(file.endpoint());
    const std::string sent = text_of(4, 400'000), answer = text_of(5, 300'000);
    auto answering = weft::spawn([&] {
      server.child().input().write_all(view_of(answer));
      server.child().input().close();  // nc ends its half of the stream then
    });
    EXPECT_TRUE(read_to_end(s) == answer);
    answering.join();
    auto printed = weft::spawn([&] { return server.child().output().read_to_end(); });
    s.write_all(view_of(sent));
    s.shutdown_write();
    EXPECT_TRUE(printed.join() == sent);
    EXPECT_TRUE(server.child().wait().success());
  });
}

}  // namespace
