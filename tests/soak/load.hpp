// What the soak program's loads have in common: each is a function that works, and checks what it gets, until its phase ends.
#pragma once
#include <atomic>      // rounds
#include <chrono>      // steady_clock
#include <cstdint>     // fixed-width integers
#include <filesystem>  // path
#include <random>      // minstd_rand
#include <stdexcept>   // runtime_error
#include <string>      // string

namespace soak {

using clock = std::chrono::steady_clock;
using chance = std::minstd_rand;  // eight bytes: every fiber has its own

// One load in one phase.
struct phase {
  std::uint64_t seed;
  clock::time_point end;
  std::string program;                 // this one: children run it with --child
  std::filesystem::path folder;        // empty, the load's own
  std::atomic<std::uint64_t>& rounds;  // the watchdog ends the process when it stands still

  bool goes_on() const { return clock::now() < end; }
  void count() const { rounds.fetch_add(1, std::memory_order_relaxed); }  // relaxed: a count
  chance draw(std::uint64_t who) const { return chance(static_cast<chance::result_type>(seed * 7919 + who)); }
};

inline std::uint64_t below(chance& c, std::uint64_t n) { return c() % n; }
// Of its own: a generator that began with what another has drawn would follow it.
inline chance fork(chance& c) { return chance(static_cast<chance::result_type>(c() * 2654435761U + 1)); }

// A load that found something wrong ends the program with this.
inline void demand(bool so, const std::string& what) {
  if (!so) throw std::runtime_error(what);
}

// spawn_loads.cpp
void trees(const phase& p);          // fibers of fibers: results and counts come back
void detached(const phase& p);       // thousands at once, never joined
void exceptions(const phase& p);     // thrown, held over suspensions, rethrown through joins
void plain_threads(const phase& p);  // threads that spawn, join and fulfil promises
// stop_loads.cpp
void stops(const phase& p);  // fibers that wait in all ways are stopped: each unwinds once
// sync_loads.cpp
void channels(const phase& p);  // no value lost, doubled or out of order; select, close
void locks(const phase& p);     // what a lock protects stays whole; conditions, readers and writers
void timers(const phase& p);    // nobody wakes early; waits that time out
// io_loads.cpp
void connections(const phase& p);  // TCP on loopback: echo of checked bytes, connections cut in the middle
void pipes(const phase& p);        // bytes through pipes that are opened and closed all the time
void files(const phase& p);        // written, read back, removed
void blocking_calls(const phase& p);
// child_loads.cpp
void children(const phase& p);  // processes that overflow a stack, throw out of a fiber, or end well
int be_child(const std::string& kind);

}  // namespace soak
