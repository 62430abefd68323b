// Sessions that a client may resume, by peer.
#include "tls/session_cache.hpp"

#include <utility>  // move

namespace weft::inline v0::detail {

void session_cache::put(const std::string& peer, openssl_ptr<SSL_SESSION>& session) {
  const std::lock_guard guard(lock_);
  auto at = by_peer_.find(peer);
  if (at == by_peer_.end()) {
    entries_.push_front({peer, {}});
    try {
      entries_.front().sessions.reserve(most_each);
      at = by_peer_.emplace(peer, entries_.begin()).first;
    } catch (...) {
      entries_.pop_front();
      throw;
    }
  } else {
    entries_.splice(entries_.begin(), entries_, at->second);
  }
  auto& sessions = at->second->sessions;
  if (sessions.size() == most_each) sessions.erase(sessions.begin());
  sessions.push_back(std::move(session));
  if (entries_.size() > most_peers_) {
    by_peer_.erase(entries_.back().peer);
    entries_.pop_back();
  }
}

openssl_ptr<SSL_SESSION> session_cache::take(const std::string& peer) {
  const std::lock_guard guard(lock_);
  const auto at = by_peer_.find(peer);
  if (at == by_peer_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, at->second);
  auto& sessions = at->second->sessions;
  openssl_ptr<SSL_SESSION> newest = std::move(sessions.back());
  if (SSL_SESSION_get_protocol_version(newest.get()) < TLS1_3_VERSION) {
    openssl_ptr<SSL_SESSION> copy(SSL_SESSION_dup(newest.get()));
    sessions.back() = std::move(newest);
    return copy;
  }
  sessions.pop_back();
  if (sessions.empty()) {
    entries_.erase(at->second);
    by_peer_.erase(at);
  }
  return newest;
}

void session_cache::clear() noexcept {
  const std::lock_guard guard(lock_);
  by_peer_.clear();
  entries_.clear();
}

}  // namespace weft::inline v0::detail
