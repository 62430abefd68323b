// Arguments, sockets, threads.
#include "echo/server.hpp"

#include <arpa/inet.h>     // htonl, htons
#include <netinet/in.h>    // sockaddr_in
#include <sys/resource.h>  // setrlimit
#include <sys/socket.h>    // socket
#include <unistd.h>        // read, _exit

#include <cstdio>   // printf
#include <cstdlib>  // exit
#include <thread>   // thread
#include <vector>   // vector

#include "echo/calls.hpp"

namespace echo {

arguments::arguments(int argc, char** argv) {
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name = argv[i];
    if (!name.starts_with("--") || i + 1 == argc) {
      std::fprintf(stderr, "%s: arguments are pairs of --name and value\n", argv[0]);
      std::exit(2);
    }
    given_.emplace(name.substr(2), argv[i + 1]);
  }
}

std::string arguments::text(std::string_view name, std::string_view otherwise) const {
  const auto found = given_.find(name);
  return std::string(found == given_.end() ? otherwise : found->second);
}

unsigned arguments::number(std::string_view name, unsigned otherwise) const {
  const auto found = given_.find(name);
  return found == given_.end() ? otherwise : static_cast<unsigned>(std::strtoul(found->second.c_str(), nullptr, 10));
}

bool arguments::either(std::string_view name, std::string_view yes, std::string_view no, bool otherwise) const {
  const std::string value = text(name, otherwise ? yes : no);
  if (value != yes && value != no) {
    std::fprintf(stderr, "--%s is %s or %s\n", std::string(name).c_str(), std::string(yes).c_str(),
                 std::string(no).c_str());
    std::exit(2);
  }
  return value == yes;
}

void raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));  // too few are met where one is refused
  }
}

void end_with_input() {
  std::thread([] {
    char byte = 0;
    while (told(::read(STDIN_FILENO, &byte, 1)) > 0) {
    }
    ::_exit(0);  // nothing to clean up, and other threads in the midst of their work
  }).detach();
}

void tell_port(const arguments& from, std::uint16_t port) {
  std::printf("%u\n", unsigned{port});
  std::fflush(stdout);
  const std::string path = from.text("port-file", "");
  if (path.empty()) {
    return;
  }
  const std::string unfinished = path + ".part";
  std::FILE* const file = std::fopen(unfinished.c_str(), "w");
  if (file == nullptr || std::fprintf(file, "%u\n", unsigned{port}) < 0 || std::fclose(file) != 0 ||
      std::rename(unfinished.c_str(), path.c_str()) != 0) {
    std::fprintf(stderr, "cannot write %s\n", path.c_str());
    std::exit(1);
  }
}

int listen_on(std::uint16_t& port) {
  const int fd = needed(told(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)), "socket");
  const int on = 1;
  needed(told(::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on)), "SO_REUSEADDR");
  needed(told(::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on)), "SO_REUSEPORT");
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(port);
  socklen_t size = sizeof at;
  needed(told(::bind(fd, reinterpret_cast<const sockaddr*>(&at), size)), "bind");
  needed(told(::listen(fd, 4096)), "listen");
  needed(told(::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size)), "getsockname");
  port = ntohs(at.sin_port);
  return fd;
}

void serve_on_threads(const arguments& from, const std::function<void(int)>& serve) {
  raise_descriptor_limit();
  std::uint16_t port = 0;
  std::vector<int> listeners(from.number("workers", 1));
  for (int& listener : listeners) {
    listener = listen_on(port);
  }
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < listeners.size(); ++i) {
    others.emplace_back(serve, listeners[i]);
  }
  tell_port(from, port);
  end_with_input();
  serve(listeners.at(0));
  ::_exit(1);  // serve() does not return
}

}  // namespace echo
