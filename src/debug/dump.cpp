// The dump: fibers that do the same are one group.
#include <weft/debug/dump.hpp>

#include <algorithm>    // sort
#include <chrono>       // duration_cast
#include <cstring>      // strcmp
#include <dlfcn.h>      // dladdr
#include <ostream>      // ostream
#include <sstream>      // ostringstream
#include <string>       // string
#include <string_view>  // string_view
#include <tuple>        // tie

#include "debug/observe.hpp"

namespace weft::inline v0::detail {
namespace {

constexpr std::size_t shown_of_group = 8;
constexpr const char* state_names[fiber_states] = {"running", "runnable", "not started", "parked"};

const char* name_of(fiber_state s) noexcept { return state_names[static_cast<std::size_t>(s)]; }

// What a group has in common. The wait's text, not its address: each file has its own copy of a literal.
auto group_of(const observed_fiber& f) noexcept {
  return std::tuple(f.state, std::string_view(f.wait != nullptr ? f.wait : ""), f.spawn_site);
}

std::string text_of(time_point::duration d) {
  std::ostringstream out;
  out.precision(1);
  out << std::fixed << std::chrono::duration<double>(d).count() << " s";
  return out.str();
}

// "program+0x1234": what `addr2line -e program 0x1234` takes. One less than the address, which is that after the call.
std::string text_of_site(const void* site) {
  if (site == nullptr) return "unknown";
  std::ostringstream out;
  const auto at = reinterpret_cast<std::uintptr_t>(site) - 1;
  Dl_info module = {};
  if (::dladdr(site, &module) != 0 && module.dli_fname != nullptr) {
    out << module.dli_fname << "+0x" << std::hex << at - reinterpret_cast<std::uintptr_t>(module.dli_fbase);
  } else {
    out << "0x" << std::hex << at;
  }
  return out.str();
}

void put_fiber(std::string& to, const observed_fiber& f, time_point at) {
  std::ostringstream out;
  out << "    " << f.id;
  if (f.name[0] != '\0') out << " '" << f.name << '\'';
  if (f.state == fiber_state::running) out << ", on worker " << f.worker;
  if (f.state == fiber_state::parked && at >= f.since) out << ", " << text_of(at - f.since);
  if (f.stack_used != 0 && f.state != fiber_state::running) out << ", " << f.stack_used << " bytes of stack";
  to += out.str() + '\n';
}

// A group in one text, so that its lines stay together when several write.
std::string text_of_group(const observed_fiber* first, const observed_fiber* end, time_point at) {
  std::string text = std::to_string(end - first) + ' ' + name_of(first->state);
  if (first->state == fiber_state::parked) {
    text += std::string(", waiting for: ") + first->wait;
    if (at >= first->since)
      text += ", up to " + text_of(at - first->since);  // the first one waits for the longest time
  } else if (first->wait != nullptr && first->state == fiber_state::runnable) {
    text += std::string(", waited for: ") + first->wait;
  }
  text += ", spawned at " + text_of_site(first->spawn_site) + '\n';
  const auto count = static_cast<std::size_t>(end - first);
  for (std::size_t i = 0; i < std::min(count, shown_of_group); ++i) put_fiber(text, first[i], at);
  if (count > shown_of_group) text += "    and " + std::to_string(count - shown_of_group) + " more\n";
  return text;
}

std::string text_of_counts(const std::vector<observed_fiber>& fibers) {
  std::size_t counts[fiber_states] = {};
  for (const observed_fiber& f : fibers) ++counts[static_cast<std::size_t>(f.state)];
  std::string text = "weft: " + std::to_string(fibers.size()) + (fibers.size() == 1 ? " fiber" : " fibers");
  const char* before = ": ";
  for (std::size_t s = 0; s < fiber_states; ++s) {
    if (counts[s] == 0) continue;
    text += before + std::to_string(counts[s]) + ' ' + state_names[s];
    before = ", ";
  }
  return text + '\n';
}

}  // namespace
}  // namespace weft::inline v0::detail

namespace weft::inline v0::debug {

void dump(std::ostream& out) {
  std::vector<detail::observed_fiber> fibers = detail::observe_fibers();
  const detail::time_point at = detail::now();
  std::sort(fibers.begin(), fibers.end(), [](const auto& a, const auto& b) {
    const auto one = detail::group_of(a), other = detail::group_of(b);
    return one != other ? one < other : std::tie(a.since, a.record) < std::tie(b.since, b.record);
  });
  out << detail::text_of_counts(fibers);
  for (const detail::observed_fiber *first = fibers.data(), *end = first + fibers.size(); first != end;) {
    const detail::observed_fiber* next = first;
    while (next != end && detail::group_of(*next) == detail::group_of(*first)) ++next;
    out << detail::text_of_group(first, next, at);
    first = next;
  }
  out.flush();
}

}  // namespace weft::inline v0::debug
