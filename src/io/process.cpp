// Child processes for fibers.
#include <weft/io/process.hpp>

#include <cerrno>   // error numbers
#include <csignal>  // SIGKILL
#include <utility>  // exchange

#include "io/child_process.hpp"
#include "io/errors.hpp"
#include "io/os_process.hpp"
#include "io/spawn_setup.hpp"
#include "sched/poller.hpp"           // on_worker
#include <weft/io/blocking.hpp>       // blocking
#include <weft/sched/runtime.hpp>     // runtime
#include <weft/sched/this_fiber.hpp>  // check_stop
#include <weft/task/scope.hpp>        // scope

namespace weft::inline v0 {
namespace {

using detail::child_process;
using detail::raw_descriptor;
using detail::to_error_code;
using detail::os::result;

// Makes our end of a pipe an object, if there is one.
template <class End>
void take_end(raw_descriptor& from, End& end, std::error_code& error) {
  if (error || from.get() < 0) {
    return;
  }
  end = End::from_native(from.get(), error);
  if (!error) {
    from.release();
  }
}

}  // namespace

process::process() noexcept = default;
process::process(process&& from) noexcept = default;
process& process::operator=(process&& from) noexcept {
  if (this != &from) {
    const process before(std::move(*this));
    child_ = std::move(from.child_);
    input_ = std::move(from.input_);
    output_ = std::move(from.output_);
    error_ = std::move(from.error_);
  }
  return *this;
}
process::~process() {
  if (child_ != nullptr) {
    child_->kill_and_reap();
  }
}

process process::spawn(const std::vector<std::string>& command, const process_options& options,
                       std::error_code& error) {
  this_fiber::check_stop();
  process made;
  detail::spawn_setup setup(command, options);
  error = to_error_code(setup.error());
  // Ours before there is a child: what fails afterwards would have to kill it.
  take_end(setup.our_end(0), made.input_, error);
  take_end(setup.our_end(1), made.output_, error);
  take_end(setup.our_end(2), made.error_, error);
  if (error) {
    return {};
  }
  auto child = std::make_unique<child_process>(options);
  result r;
  try {
    r = blocking([request = setup.request()] { return detail::os::spawn(request); });
  } catch (const std::system_error&) {  // no thread to be had
    r = {-1, EAGAIN};
  }
  error = to_error_code(r.error);
  if (error) {
    return {};
  }
  child->pid = r.fd();
  made.child_ = std::move(child);
  made.child_->open_descriptor();
  return made;
}
process process::spawn(const std::vector<std::string>& command, const process_options& options) {
  std::error_code error;
  process made = spawn(command, options, error);
  if (error) {
    throw std::system_error(error, "spawn " + (command.empty() ? std::string() : command[0]));
  }
  return made;
}

process_output process::run(const std::vector<std::string>& command, std::string_view input,
                            const process_options& options) {
  if (!detail::on_worker()) {
    runtime one({.workers = 1});
    return one.run([&] { return run(command, input, options); });
  }
  process_options own = options;
  own.input = input.empty() ? stdio::null() : stdio::pipe();
  own.output = stdio::pipe();
  if (own.error.what() != stdio::kind::same_as_output) {
    own.error = stdio::pipe();
  }
  process child = spawn(command, own);
  process_output got;
  {
    scope transfers;
    if (child.error_.is_open()) {
      transfers.spawn([&] { got.error = child.error_.read_to_end(); });
    }
    if (child.input_.is_open()) {
      transfers.spawn([&] {
        std::error_code failed;
        child.input_.write_all(std::as_bytes(std::span(input)), failed);
        if (failed != std::errc::broken_pipe) {  // a child need not read all it is given
          detail::throw_if(failed, "process input");
        }
        child.input_.close(failed);
      });
    }
    got.output = child.output_.read_to_end();
    transfers.join();
  }
  got.status = child.wait();
  return got;
}
process_output process::run(const std::vector<std::string>& command, std::string_view input,
                            const process_options& options, std::error_code& error) {
  error.clear();
  try {
    return run(command, input, options);
  } catch (const std::system_error& e) {
    error = e.code();
  }
  return {};
}

std::optional<exit_status> process::wait_until_steady(std::chrono::steady_clock::time_point deadline,
                                                      std::error_code& error) {
  this_fiber::check_stop();
  const result r = child_ == nullptr ? result{-1, ECHILD} : child_->wait(deadline);
  error = to_error_code(r.error == ETIMEDOUT ? 0 : r.error);
  return r.ok() ? std::optional(child_->status) : std::nullopt;
}
std::optional<exit_status> process::wait_until_steady(std::chrono::steady_clock::time_point deadline) {
  std::error_code error;
  const std::optional<exit_status> status = wait_until_steady(deadline, error);
  detail::throw_if(error, "process wait");
  return status;
}
exit_status process::wait(std::error_code& error) {
  return wait_until_steady(detail::no_deadline, error).value_or(exit_status{});
}
exit_status process::wait() {
  std::error_code error;
  const exit_status status = wait(error);
  detail::throw_if(error, "process wait");
  return status;
}

std::optional<exit_status> process::try_wait(std::error_code& error) {
  const result r = child_ == nullptr ? result{-1, ECHILD} : child_->reap();
  error = to_error_code(r.error == EAGAIN ? 0 : r.error);
  return r.ok() ? std::optional(child_->status) : std::nullopt;
}
std::optional<exit_status> process::try_wait() {
  std::error_code error;
  const std::optional<exit_status> status = try_wait(error);
  detail::throw_if(error, "process wait");
  return status;
}

void process::kill(int signal, std::error_code& error) noexcept {
  error = to_error_code(child_ == nullptr ? ESRCH : child_->kill(signal));
}
void process::kill(int signal) {
  std::error_code error;
  kill(signal, error);
  detail::throw_if(error, "process kill");
}

int process::id() const noexcept {
  if (child_ == nullptr) {
    return -1;
  }
  const std::lock_guard held(child_->mutex);
  return child_->gone ? -1 : child_->pid;
}

int process::release() noexcept {
  const int number = id();
  child_.reset();
  return number;
}

}  // namespace weft::inline v0
