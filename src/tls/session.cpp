// The engine and the transport brought together: all waiting for the peer is here, and none of it under the lock.
#include "tls/session.hpp"

#include <utility>  // as_const, swap

#include <weft/net/error.hpp>         // end_of_stream
#include <weft/sched/this_fiber.hpp>  // check_stop

namespace weft::inline v0::detail {
namespace {

std::error_code busy() noexcept { return std::make_error_code(std::errc::device_or_resource_busy); }

// Beyond this a buffer that is not in use is given back.
constexpr std::size_t kept_bytes = 20 * 1024;

}  // namespace

// ---- turns -----------------------------------------------------------------------------------------------------------

class tls_session::reading_turn {
 public:
  // `error`: somebody else reads.
  reading_turn(tls_session& s, std::error_code& error) : session_(s) {
    std::unique_lock guard(s.lock_);
    s.reading_changed_.wait(guard, [&] { return s.reader_ != reader::helper; });
    mine_ = s.reader_ == reader::nobody;
    if (mine_) {
      s.reader_ = reader::owner;
    } else {
      error = busy();
    }
  }
  ~reading_turn() {
    if (!mine_) return;
    const std::lock_guard guard(session_.lock_);
    session_.reader_ = reader::nobody;
    session_.reading_changed_.notify_all();  // a writer may have relied on this reader
  }
  reading_turn(const reading_turn&) = delete;
  reading_turn& operator=(const reading_turn&) = delete;

 private:
  tls_session& session_;
  bool mine_ = false;
};

class tls_session::writing_turn {
 public:
  // `error`: somebody else writes, or what a writer has left behind cannot be continued.
  writing_turn(tls_session& s, std::error_code& error) : session_(s) {
    const std::lock_guard guard(s.lock_);
    if (s.writing_) {
      error = busy();
      return;
    }
    if (s.output_lost_) {
      error = tls::error::interrupted;
      return;
    }
    mine_ = s.writing_ = true;
  }
  ~writing_turn() {
    if (!mine_) return;
    if (session_.sending_.capacity() > kept_bytes) std::vector<std::byte>().swap(session_.sending_);
    const std::lock_guard guard(session_.lock_);
    auto& unsent = session_.engine_.output();
    if (unsent.empty() && unsent.capacity() > kept_bytes) std::vector<std::byte>().swap(unsent);
    session_.writing_ = false;
  }
  writing_turn(const writing_turn&) = delete;
  writing_turn& operator=(const writing_turn&) = delete;
  bool mine() const noexcept { return mine_; }

 private:
  tls_session& session_;
  bool mine_ = false;
};

std::error_code tls_session::not_open() const noexcept {
  switch (phase_) {
    case phase::fresh:
      return tls::error::no_handshake;
    case phase::shaking_hands:
      return engine_.failure() ? engine_.failure() : tls::error::interrupted;
    case phase::open:
      break;
  }
  return {};
}

// ---- the transport ---------------------------------------------------------------------------------------------------

// \pre the caller has the reading turn, and the engine has no input left
void tls_session::receive(std::error_code& error) {
  const std::size_t n = transport_->read_some(engine_.input_room(), error);
  if (error) return;
  const std::lock_guard guard(lock_);
  if (n == 0) {
    input_ended_ = true;
    error = tls::error::truncated;
  } else {
    engine_.input_arrived(n);
  }
  ++inputs_;
  reading_changed_.notify_all();
}

// For a writer whose message has to wait for the rest of one of the peer's: the peer's bytes come by whoever reads, or, if
// nobody does, by the writer itself.
void tls_session::help_reading(std::error_code& error) {
  struct helper_turn {
    tls_session& s;
    ~helper_turn() {
      const std::lock_guard guard(s.lock_);
      s.reader_ = reader::nobody;
      s.reading_changed_.notify_all();
    }
  };
  std::unique_lock guard(lock_);
  if (input_ended_) {
    error = tls::error::truncated;
    return;
  }
  if (reader_ != reader::nobody) {
    reading_changed_.wait(guard, [this, seen = inputs_] { return reader_ == reader::nobody || inputs_ != seen; });
    return;
  }
  reader_ = reader::helper;
  guard.unlock();
  const helper_turn turn{*this};
  receive(error);
}

// Everything there is, in the order in which it was sealed. \pre the caller has the writing turn
void tls_session::send_output(std::error_code& error) {
  for (;;) {
    {
      const std::lock_guard guard(lock_);
      sending_.clear();
      output_lost_ = !engine_.output().empty();
      if (!output_lost_) return;
      sending_.swap(engine_.output());
    }
    transport_->write_all(sending_, error);
    if (error) return;
  }
}

// What the engine has to tell the peer about a failure, if nobody is writing: a writer takes it along. The failure that
// is being reported matters more than one of sending.
void tls_session::send_alert() {
  std::error_code ignored;
  const writing_turn turn(*this, ignored);
  if (turn.mine()) send_output(ignored);
}

// ---- operations ------------------------------------------------------------------------------------------------------

void tls_session::handshake(std::error_code& error) {
  error.clear();
  this_fiber::check_stop();
  const reading_turn reading(*this, error);
  if (error) return;
  const writing_turn writing(*this, error);
  if (error) return;
  {
    const std::lock_guard guard(lock_);
    if (phase_ == phase::open) return;
    if (phase_ == phase::shaking_hands) {
      error = not_open();
      return;
    }
    phase_ = phase::shaking_hands;
  }
  for (;;) {
    tls_result r;
    {
      const std::lock_guard guard(lock_);
      r = engine_.handshake();
    }
    std::error_code sent;
    send_output(sent);
    error = r.status == tls_status::failed ? r.error : sent;
    if (error) return;
    if (r.status == tls_status::done) break;
    receive(error);
    if (error) return;
  }
  const std::lock_guard guard(lock_);
  phase_ = phase::open;
}

// \pre the caller has the reading turn
std::size_t tls_session::read_once(std::span<std::byte> into, std::error_code& error) {
  for (;;) {
    tls_result r;
    {
      const std::lock_guard guard(lock_);
      error = not_open();
      if (error) return 0;
      r = engine_.read(into);
      if (r.status == tls_status::want_input && input_ended_) error = tls::error::truncated;
    }
    if (r.status == tls_status::failed) {
      send_alert();
      error = r.error;
    }
    if (error || r.status != tls_status::want_input) return r.bytes;
    // A message that the engine has answered now goes with the next write: a reader that wrote could be kept from reading by
    // a peer that is kept likewise.
    receive(error);
    if (error) return 0;
  }
}

std::size_t tls_session::read_some(std::span<std::byte> into, std::error_code& error) {
  error.clear();
  this_fiber::check_stop();
  const reading_turn turn(*this, error);
  return error || into.empty() ? 0 : read_once(into, error);
}

std::size_t tls_session::read_exactly(std::span<std::byte> into, std::error_code& error) {
  error.clear();
  this_fiber::check_stop();
  const reading_turn turn(*this, error);
  std::size_t done = 0;
  while (!error && done < into.size()) {
    const std::size_t n = read_once(into.subspan(done), error);
    if (n == 0 && !error) error = net::error::end_of_stream;
    done += n;
  }
  return done;
}

// Seals a batch and sends it. \pre the caller has the writing turn
std::size_t tls_session::write_once(std::span<const std::byte> from, std::error_code& error) {
  for (;;) {
    tls_result r;
    {
      const std::lock_guard guard(lock_);
      error = not_open();
      if (error) return 0;
      r = engine_.write(from);
      output_lost_ = output_lost_ || r.bytes > 0;  // sealed and counted: from here on it has to go out
    }
    if (r.status == tls_status::want_input) {
      help_reading(error);
      if (error) return 0;
      continue;
    }
    std::error_code sent;
    send_output(sent);
    error = r.status == tls_status::failed ? r.error : sent;
    return error ? 0 : r.bytes;
  }
}

std::size_t tls_session::write_some(std::span<const std::byte> from, std::error_code& error) {
  error.clear();
  this_fiber::check_stop();
  const writing_turn turn(*this, error);
  return error || from.empty() ? 0 : write_once(from, error);
}

std::size_t tls_session::write_all(std::span<const std::byte> from, std::error_code& error) {
  error.clear();
  this_fiber::check_stop();
  const writing_turn turn(*this, error);
  std::size_t done = 0;
  while (!error && done < from.size()) {
    done += write_once(from.subspan(done), error);
  }
  return done;
}

void tls_session::shutdown(tls::closing how, std::error_code& error) {
  error.clear();
  this_fiber::check_stop();
  {
    const writing_turn turn(*this, error);
    if (error) return;
    tls_result r;
    {
      const std::lock_guard guard(lock_);
      error = not_open();
      if (error) return;
      r = engine_.send_close_notify();
      output_lost_ = true;  // until it is out
    }
    std::error_code sent;
    send_output(sent);
    error = r.status == tls_status::failed ? r.error : sent;
  }
  if (error || how == tls::closing::send) return;
  const reading_turn turn(*this, error);
  std::byte discarded[1024];
  while (!error && read_once(discarded, error) > 0) {
  }
}

}  // namespace weft::inline v0::detail
