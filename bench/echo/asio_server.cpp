// Echo on Asio, as its own examples do it with callbacks: an io_context, a thread and a listener for each worker.
#include <array>         // array
#include <cstddef>       // size_t
#include <memory>        // make_shared, enable_shared_from_this
#include <system_error>  // error_code
#include <utility>       // move

#include <asio.hpp>

#include "echo/server.hpp"

namespace {

using asio::ip::tcp;

class session : public std::enable_shared_from_this<session> {
 public:
  explicit session(tcp::socket socket) : socket_(std::move(socket)) {}

  void read() {
    socket_.async_read_some(asio::buffer(buffer_),
                            [self = shared_from_this()](const std::error_code& error, std::size_t n) {
                              if (!error) {
                                self->write(n);
                              }
                            });
  }

 private:
  void write(std::size_t n) {
    asio::async_write(socket_, asio::buffer(buffer_.data(), n),
                      [self = shared_from_this()](const std::error_code& error, std::size_t) {
                        if (!error) {
                          self->read();
                        }
                      });
  }

  tcp::socket socket_;
  std::array<char, echo::read_bytes> buffer_;
};

void accept(tcp::acceptor& from) {
  from.async_accept([&from](const std::error_code& error, tcp::socket socket) {
    if (!error) {
      std::make_shared<session>(std::move(socket))->read();
    }
    accept(from);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const echo::arguments given(argc, argv);
  echo::serve_on_threads(given, [](int listener) {
    asio::io_context context(1);  // one thread: nothing of it need be locked
    tcp::acceptor acceptor(context, tcp::v4(), listener);
    accept(acceptor);
    context.run();
  });
}
