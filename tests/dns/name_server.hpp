// A name server on loopback that answers as a test has told it, over UDP and TCP.
#pragma once
#include <algorithm>           // min
#include <array>               // array
#include <chrono>              // seconds
#include <condition_variable>  // condition_variable
#include <cstdint>             // uint8_t, uint16_t
#include <cstring>             // memcpy
#include <map>                 // map
#include <mutex>               // mutex
#include <stdexcept>           // runtime_error
#include <string>              // string
#include <thread>              // jthread
#include <vector>              // vector

#include <arpa/inet.h>    // inet_pton, htons
#include <netinet/in.h>   // sockaddr_in
#include <poll.h>         // poll
#include <sys/eventfd.h>  // eventfd
#include <sys/socket.h>   // socket
#include <unistd.h>       // close

#include <gtest/gtest.h>
#include <weft/net/endpoint.hpp>

namespace weft_test {

// What the server says to questions for one name.
struct answer {
  enum class kind { addresses, no_such_name, failure, silence, only_over_tcp, rubbish };
  kind what = kind::addresses;
  std::vector<std::string> v4 = {}, v6 = {};
  std::string alias_of = {};  // a CNAME before the addresses, which belong to that name
  std::uint16_t error = 2;    // of a failure: SERVFAIL, or REFUSED 5, ...
};

class name_server {
 public:
  explicit name_server(std::map<std::string, answer> answers) : answers_(std::move(answers)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // The same number for both kinds: the system picks one for TCP, and it may be taken for UDP.
    for (int attempt = 0; attempt < 100; ++attempt) {
      tcp_ = must(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      udp_ = must(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      at.sin_port = 0;
      socklen_t size = sizeof at;
      must(::bind(tcp_, reinterpret_cast<const sockaddr*>(&at), sizeof at));
      must(::getsockname(tcp_, reinterpret_cast<sockaddr*>(&at), &size));
      if (::bind(udp_, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0) {
        must(::listen(tcp_, 16));
        endpoint_ = weft::net::endpoint::from_sockaddr(&at, sizeof at);
        thread_ = std::jthread([this] { serve(); });
        return;
      }
      ::close(tcp_);
      ::close(udp_);
    }
    throw std::runtime_error("no port is free for both UDP and TCP");
  }
  ~name_server() {
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(quit_, &one, sizeof one), static_cast<ssize_t>(sizeof one));
    thread_ = {};
    for (const int fd : {tcp_, udp_, quit_}) {
      ::close(fd);
    }
  }
  name_server(const name_server&) = delete;
  name_server& operator=(const name_server&) = delete;

  const weft::net::endpoint& endpoint() const noexcept { return endpoint_; }
  // The names asked for so far, each time, in order; "name/tcp" over TCP.
  std::vector<std::string> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  // Blocks the thread until at least so many questions have come.
  void await_questions(std::size_t n) const {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(more_.wait_for(lock, std::chrono::seconds(60), [&] { return asked_.size() >= n; }));
  }

 private:
  using bytes = std::vector<std::uint8_t>;
  static int must(int result) {
    if (result < 0) {
      throw std::runtime_error("name_server: a system call failed");
    }
    return result;
  }

  void serve() {
    for (;;) {
      std::array<pollfd, 3> ready{{{udp_, POLLIN, 0}, {tcp_, POLLIN, 0}, {quit_, POLLIN, 0}}};
      if (::poll(ready.data(), ready.size(), -1) < 0) {
        continue;
      }
      if (ready[2].revents != 0) {
        return;
      }
      if (ready[0].revents != 0) {
        serve_datagram();
      }
      if (ready[1].revents != 0) {
        serve_connection();
      }
    }
  }

  void serve_datagram() {
    bytes question(4096);
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const auto n = ::recvfrom(udp_, question.data(), question.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (n <= 0) {
      return;
    }
    question.resize(static_cast<std::size_t>(n));
    const bytes reply = reply_to(question, false);
    if (!reply.empty()) {  // who has asked may have gone
      static_cast<void>(::sendto(udp_, reply.data(), reply.size(), 0, reinterpret_cast<const sockaddr*>(&from), size));
    }
  }

  void serve_connection() {
    const int client = ::accept4(tcp_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) {
      return;
    }
    const timeval patience{10, 0};
    ::setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    // A connection may carry the questions for both families, one after the other.
    std::array<std::uint8_t, 2> length{};
    while (::recv(client, length.data(), 2, MSG_WAITALL) == 2) {
      bytes question(static_cast<std::size_t>(length[0] << 8 | length[1]));
      if (::recv(client, question.data(), question.size(), MSG_WAITALL) != static_cast<ssize_t>(question.size())) {
        break;
      }
      bytes reply = reply_to(question, true);
      const auto size = static_cast<std::uint16_t>(reply.size());
      bytes framed;
      put16(framed, size);
      framed.insert(framed.end(), reply.begin(), reply.end());
      static_cast<void>(::send(client, framed.data(), framed.size(), MSG_NOSIGNAL));
    }
    ::close(client);
  }

  static void put16(bytes& to, unsigned value) {
    to.push_back(static_cast<std::uint8_t>(value >> 8));
    to.push_back(static_cast<std::uint8_t>(value));
  }
  static void put_name(bytes& to, const std::string& name) {
    for (std::size_t at = 0; at < name.size();) {
      const auto dot = std::min(name.find('.', at), name.size());
      to.push_back(static_cast<std::uint8_t>(dot - at));
      to.insert(to.end(), name.begin() + static_cast<std::ptrdiff_t>(at),
                name.begin() + static_cast<std::ptrdiff_t>(dot));
      at = dot + 1;
    }
    to.push_back(0);
  }
  static void put_record(bytes& to, const std::string& name, unsigned type, const bytes& data) {
    put_name(to, name);
    put16(to, type);
    put16(to, 1);
    put16(to, 0);
    put16(to, 60);  // seconds to live
    put16(to, static_cast<unsigned>(data.size()));
    to.insert(to.end(), data.begin(), data.end());
  }

  // Empty: no reply.
  bytes reply_to(const bytes& question, bool over_tcp) {
    std::string name;
    std::size_t at = 12;
    while (at < question.size() && question[at] != 0) {
      name.append(name.empty() ? "" : ".").append(reinterpret_cast<const char*>(&question[at + 1]), question[at]);
      at += question[at] + 1U;
    }
    const unsigned type = static_cast<unsigned>(question.at(at + 1) << 8 | question.at(at + 2));
    const auto found = answers_.find(name);
    answer what = found != answers_.end() ? found->second : answer{.what = answer::kind::no_such_name};
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back(over_tcp ? name + "/tcp" : name);
      more_.notify_all();
    }
    if (what.what == answer::kind::silence) {
      return {};
    }
    if (what.what == answer::kind::rubbish) {
      return {question[0], question[1], 0x81, 0x80, 0, 1};
    }
    const bool cut = what.what == answer::kind::only_over_tcp && !over_tcp;
    const unsigned code = what.what == answer::kind::no_such_name ? 3U
                          : what.what == answer::kind::failure    ? what.error
                                                                  : 0U;
    bytes records;
    unsigned count = 0;
    if (code == 0 && !cut) {
      const std::string owner = what.alias_of.empty() ? name : what.alias_of;
      if (owner != name) {
        bytes target;
        put_name(target, owner);
        put_record(records, name, 5, target);
        ++count;
      }
      for (const auto& text : type == 1 ? what.v4 : type == 28 ? what.v6 : std::vector<std::string>{}) {
        bytes data(type == 1 ? 4 : 16);
        EXPECT_EQ(::inet_pton(type == 1 ? AF_INET : AF_INET6, text.c_str(), data.data()), 1);
        put_record(records, owner, type, data);
        ++count;
      }
    }
    bytes reply{question[0], question[1]};
    put16(reply, 0x8180U | (cut ? 0x0200U : 0U) | code);
    put16(reply, 1);
    put16(reply, count);
    put16(reply, 0);
    put16(reply, 0);
    reply.insert(reply.end(), question.begin() + 12, question.begin() + static_cast<std::ptrdiff_t>(at) + 5);
    reply.insert(reply.end(), records.begin(), records.end());
    return reply;
  }

  const std::map<std::string, answer> answers_;
  int tcp_ = -1, udp_ = -1, quit_ = must(::eventfd(0, EFD_CLOEXEC));
  weft::net::endpoint endpoint_;
  mutable std::mutex mutex_;  // guards asked_
  mutable std::condition_variable more_;
  std::vector<std::string> asked_;
  std::jthread thread_;
};

}  // namespace weft_test
