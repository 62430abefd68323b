// What the echo servers of this folder share: arguments, listening sockets, telling the port, ending.
//
// A server takes `--workers N` and `--port-file PATH`, listens on a free port of the loopback, prints that port (and
// writes it to the file), gives back what it gets, and ends with SIGTERM or when its standard input does. So a driver
// that dies leaves none behind.
#pragma once
#include <cstddef>      // size_t
#include <cstdint>      // uint16_t
#include <functional>   // function
#include <map>          // map
#include <string>       // string
#include <string_view>  // string_view

namespace echo {

// What one read may bring, in every contender.
inline constexpr std::size_t read_bytes = 4096;

class arguments {
 public:
  // Pairs `--name value`; exits with a message when that is not what they are.
  arguments(int argc, char** argv);
  std::string text(std::string_view name, std::string_view otherwise) const;
  unsigned number(std::string_view name, unsigned otherwise) const;
  // True for `yes`, false for `no`; exits when it is neither.
  bool either(std::string_view name, std::string_view yes, std::string_view no, bool otherwise) const;

 private:
  std::map<std::string, std::string, std::less<>> given_;
};

// As many descriptors as the system allows.
void raise_descriptor_limit() noexcept;
// From now on the process ends with its standard input.
void end_with_input();
// Says where the server listens.
void tell_port(const arguments& from, std::uint16_t port);
// A non-blocking listener on the loopback; several of one port share it. 0: a free port, put there.
int listen_on(std::uint16_t& port);

// A whole server: a listener and a thread for each worker, on which `serve` runs for good.
[[noreturn]] void serve_on_threads(const arguments& from, const std::function<void(int listener)>& serve);

}  // namespace echo
