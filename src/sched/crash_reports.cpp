// Reports of stack overflows and of terminate, written with what a signal handler may use: no allocation, no lock, no
// library. Frames are found by frame pointers; addresses are given as offsets into the program for addr2line.
#include <weft/sched/crash_reports.hpp>

#include <cerrno>        // errno
#include <csignal>       // sigaction
#include <cstdlib>       // getenv
#include <cstring>       // strcmp
#include <cxxabi.h>      // __cxa_current_exception_type
#include <exception>     // set_terminate
#include <link.h>        // dl_iterate_phdr
#include <mutex>         // call_once: at start, on whatever thread calls
#include <system_error>  // system_error
#include <typeinfo>      // type_info
#include <ucontext.h>    // ucontext_t
#include <unistd.h>      // write

#include <weft/fiber/cancelled.hpp>

#include "base/check.hpp"
#include "base/signal_registers.hpp"
#include "base/signal_text.hpp"
#include "fiber/block.hpp"
#include "sched/runtime_impl.hpp"
#include "sched/worker.hpp"
#include "stack/stack.hpp"

namespace weft::inline v0::detail {
namespace {

struct sigaction earlier_segv;
struct sigaction earlier_bus;
std::terminate_handler earlier_terminate = nullptr;
std::uintptr_t program_base = 0;  // where the main program is loaded, so that its addresses mean something in its file

const fiber_block* running_block() noexcept {
  worker* w = current_worker();
  return w == nullptr || w->current == nullptr ? nullptr : w->current->block;
}

void put_name(signal_text& out, const fiber_block& b) noexcept {
  out.put("fiber '").put(b.name[0] != '\0' ? b.name : "(unnamed)").put("' (fiber#");
  out.put_hex_digits(reinterpret_cast<std::uintptr_t>(b.record)).put(".").put_dec(b.record->generation);
  out.put(", spawned at ").put_hex(reinterpret_cast<std::uintptr_t>(b.record->spawn_site)).put(")");
  constexpr unsigned most = 8;
  const fiber_record* lender = b.lender;
  for (unsigned n = 0; n < most && lender != nullptr; ++n, lender = lender->block->lender) {
    out.put(" on the stack of '").put(lender->block->name[0] != '\0' ? lender->block->name : "(unnamed)").put("'");
  }
}

// Return addresses by frame pointers, while they stay within the fiber's own stack and go upwards.
void put_frames(signal_text& out, const ucontext_t& at, const stack_location& where, std::uintptr_t limit) noexcept {
  constexpr unsigned most = 24;
  const auto end = reinterpret_cast<std::uintptr_t>(where.slot) + where.slot_bytes;
  std::uintptr_t pc = registers_of(at).pc, frame = registers_of(at).fp;
  for (unsigned n = 0; n < most && pc != 0; ++n) {
    out.put("  at ").put_hex(pc).put(" (program + ").put_hex(pc - program_base).put(")\n");
    const std::uintptr_t record_at = frame + static_cast<std::uintptr_t>(frame_record_offset);
    if (record_at < limit || record_at > end - sizeof(frame_record) || record_at % alignof(frame_record) != 0) break;
    const auto* record = reinterpret_cast<const frame_record*>(record_at);
    pc = record->return_address;
    if (record->caller_fp <= frame) break;
    frame = record->caller_fp;
  }
}

// True when the fault is an overflow of a fiber's stack: by its address, or, when that says nothing (a huge frame, a
// push by the kernel), by the stack pointer it happened with.
bool report_overflow(const siginfo_t& info, const ucontext_t& at) noexcept {
  const std::uintptr_t sp = registers_of(at).sp;
  stack_location where = locate_stack_address(info.si_addr);
  if (where.zone != stack_zone::guard) {
    where = locate_stack_address(reinterpret_cast<const void*>(sp));
    if (where.zone != stack_zone::guard) return false;
  }
  signal_text out;
  out.put("weft: fatal: stack overflow in ");
  const fiber_block* b = running_block();
  std::uintptr_t limit = reinterpret_cast<std::uintptr_t>(where.slot);
  if (b != nullptr && b->home_stack->slot == where.slot) {
    put_name(out, *b);
    limit = reinterpret_cast<std::uintptr_t>(b->home_stack->limit);
  } else {
    out.put("the stack of another fiber");
  }
  out.put("\n  stack ").put_hex(reinterpret_cast<std::uintptr_t>(where.slot)).put(" to ");
  out.put_hex(reinterpret_cast<std::uintptr_t>(where.slot) + where.slot_bytes)
      .put(" (")
      .put_dec(where.slot_bytes / 1024);
  out.put(" KiB with its guard), fault at ").put_hex(reinterpret_cast<std::uintptr_t>(info.si_addr));
  out.put(", stack pointer ").put_hex(sp).put("\n");
  put_frames(out, at, where, limit);
  out.put("  give the fiber more: fiber_options::stack_size, runtime_options::stack_size or WEFT_STACK_SIZE\n");
  out.flush();
  return true;
}

// Sent by kill(), raise() or the like: nothing faulted, the instruction will not trap again.
bool was_sent(const siginfo_t& info) noexcept { return info.si_code <= 0; }

void pass_on(const struct sigaction& earlier, int signal, siginfo_t* info, void* context) noexcept {
  if ((earlier.sa_flags & SA_SIGINFO) != 0) {
    earlier.sa_sigaction(signal, info, context);
  } else if (earlier.sa_handler != SIG_DFL && earlier.sa_handler != SIG_IGN) {
    earlier.sa_handler(signal);
  } else {
    // Return with the default in place: the instruction faults again, and the program dies of it with its registers.
    // A signal that was sent is sent once more, and arrives when this handler, which blocks it, has returned.
    ::sigaction(signal, &earlier, nullptr);
    if (was_sent(*info)) ::raise(signal);
  }
}

void on_fault(int signal, siginfo_t* info, void* context) noexcept {
  const int error = errno;
  if (!was_sent(*info)) report_overflow(*info, *static_cast<const ucontext_t*>(context));
  pass_on(signal == SIGSEGV ? earlier_segv : earlier_bus, signal, info, context);
  errno = error;
}

[[noreturn]] void on_terminate() {
  if (const fiber_block* b = running_block(); b != nullptr) {
    signal_text out;
    out.put("weft: terminate in ");
    put_name(out, *b);
    out.put("\n");
    const std::type_info* thrown = abi::__cxa_current_exception_type();
    if (thrown != nullptr && *thrown == typeid(cancelled)) {
      out.put("  it was stopped, and weft::cancelled left a noexcept function or a destructor; cancellation point: ");
      out.put(b->stopped_in != nullptr ? b->stopped_in : "unknown");
      out.put("\n  put a weft::cancel_shield around waits that must not throw\n");
    }
    out.flush();
  }
  earlier_terminate();
  std::abort();
}

void install() {
  ::dl_iterate_phdr(
      [](dl_phdr_info* module, std::size_t, void*) {
        program_base = module->dlpi_addr;  // the main program comes first
        return 1;
      },
      nullptr);
  struct sigaction action = {};
  action.sa_sigaction = &on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigemptyset(&action.sa_mask);
  if (::sigaction(SIGSEGV, &action, &earlier_segv) != 0 || ::sigaction(SIGBUS, &action, &earlier_bus) != 0) {
    throw std::system_error(errno, std::generic_category(), "weft: cannot install crash reports");
  }
  earlier_terminate = std::set_terminate(&on_terminate);
}

}  // namespace

unsigned describe_running_fiber(char* out, unsigned size) noexcept {
  const fiber_block* b = running_block();
  if (b == nullptr) return 0;
  signal_text text;
  text.put(" [in ");
  put_name(text, *b);
  text.put("]");
  return text.copy(out, size);
}

void report_swallowed(unsigned times) noexcept {
  const fiber_block& b = *running_block();
  signal_text out;
  out.put("weft: ");
  put_name(out, b);
  out.put(" was stopped and has swallowed weft::cancelled ").put_dec(times).put(" times, last at: ").put(b.stopped_in);
  out.put("\n  each of its waits throws at once, and it keeps its worker busy: rethrow what catch (...) caught\n");
  out.flush();
}

void install_crash_reports_by_default() {
  const char* wanted = std::getenv("WEFT_CRASH_REPORTS");
  if (wanted == nullptr || std::strcmp(wanted, "0") != 0) debug::install_crash_reports();
}

}  // namespace weft::inline v0::detail

namespace weft::inline v0::debug {

void install_crash_reports() {
  static std::once_flag once;
  std::call_once(once, &detail::install);
}

}  // namespace weft::inline v0::debug
