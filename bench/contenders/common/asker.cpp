// An open loop over poll(): due times are fixed beforehand, so that a server that stalls cannot slow the questions down.
#include "contenders/common/asker.hpp"

#include <algorithm>     // sort, min
#include <array>         // messages
#include <deque>         // due times of what is not answered
#include <fcntl.h>       // fcntl
#include <poll.h>        // ppoll
#include <sys/prctl.h>   // timer slack
#include <sys/socket.h>  // socketpair, send, recv
#include <unistd.h>      // close

#include "contenders/common/errors.hpp"

namespace contenders {
namespace {

using clock = std::chrono::steady_clock;

struct connection {
  clock::time_point due;
  std::deque<clock::time_point> unanswered{};
  std::size_t received = 0;  // bytes of the answer to the first of them
};

void send_question(int end) {
  static constexpr std::array<char, stall_message_bytes> message{};
  if (needed(::send(end, message.data(), message.size(), MSG_NOSIGNAL), "send") != ssize_t{stall_message_bytes}) {
    throw wrong_result("stall: a request did not fit in the socket");
  }
}

void wait_for_any(std::vector<pollfd>& ends, clock::duration time) {
  const auto ns = std::max<clock::duration>(time, clock::duration::zero()).count();
  const timespec limit{ns / 1'000'000'000, ns % 1'000'000'000};
  needed(::ppoll(ends.data(), ends.size(), &limit, nullptr), "ppoll");
}

void take_answers(int end, connection& of, std::vector<double>& latencies_us) {
  std::array<char, 16 * stall_message_bytes> buffer;
  const ssize_t got = needed(::recv(end, buffer.data(), buffer.size(), 0), "recv");
  const auto now = clock::now();
  if (got == 0) throw wrong_result("stall: a server closed its connection");
  for (of.received += static_cast<std::size_t>(got); of.received >= stall_message_bytes;
       of.received -= stall_message_bytes) {
    if (of.unanswered.empty()) throw wrong_result("stall: more answers than questions");
    latencies_us.push_back(std::chrono::duration<double, std::micro>(now - of.unanswered.front()).count());
    of.unanswered.pop_front();
  }
}

}  // namespace

void compute(std::chrono::nanoseconds time) {
  for (const auto end = clock::now() + time; clock::now() < end;) {
  }
}

asker::asker(std::size_t connections) {
  for (std::size_t i = 0; i < connections; ++i) {
    int pair[2];
    needed(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
    needed(::fcntl(pair[1], F_SETFL, O_NONBLOCK), "fcntl");
    ends_.push_back(pair[0]);
    server_ends_.push_back(pair[1]);
  }
}

asker::~asker() {
  if (thread_.joinable()) thread_.join();
  for (const int end : ends_) ::close(end);
}

void asker::start() {
  latencies_us_.reserve(ends_.size() * static_cast<std::size_t>(stall_duration / stall_interval + 1));
  thread_ = std::thread([this] {
    try {
      ask();
    } catch (...) {
      failure_ = std::current_exception();
    }
  });
}

void asker::ask() {
  ::prctl(PR_SET_TIMERSLACK, 1UL);  // else the kernel adds 50 us to each pause
  const auto begin = clock::now() + std::chrono::milliseconds(10), end = begin + stall_duration;
  std::vector<connection> all;
  std::vector<pollfd> ends;
  for (std::size_t i = 0; i < ends_.size(); ++i) {
    all.push_back({begin + stall_interval * i / ends_.size()});
    ends.push_back({ends_[i], POLLIN, 0});
  }
  for (std::size_t unanswered = 1; unanswered > 0;) {
    auto next = end;
    unanswered = 0;
    const auto now = clock::now();
    for (std::size_t i = 0; i < all.size(); ++i) {
      connection& of = all[i];
      if (of.due < end && of.due <= now) {
        send_question(ends_[i]);
        of.unanswered.push_back(of.due);
        of.due += stall_interval;
      }
      next = std::min(next, of.due);
      unanswered += of.unanswered.size() + (of.due < end ? 1 : 0);
    }
    if (unanswered == 0) break;
    wait_for_any(ends, next < end ? next - clock::now() : clock::duration(stall_interval));
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (ends[i].revents != 0) take_answers(ends_[i], all[i], latencies_us_);
    }
  }
}

figures asker::finish() {
  thread_.join();
  for (const int end : ends_) ::close(end);
  ends_.clear();
  if (failure_ != nullptr) std::rethrow_exception(failure_);
  std::sort(latencies_us_.begin(), latencies_us_.end());
  const auto at = [&](double part) {
    return latencies_us_[static_cast<std::size_t>(part * static_cast<double>(latencies_us_.size() - 1))];
  };
  return {{"p50_us", at(0.5)},
          {"p99_us", at(0.99)},
          {"p999_us", at(0.999)},
          {"operations", static_cast<double>(latencies_us_.size())}};
}

}  // namespace contenders
