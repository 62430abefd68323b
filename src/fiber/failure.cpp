// Keeping, taking and reporting what escaped a fiber.
#include "fiber/failure.hpp"

#include <cstdio>    // snprintf
#include <cstring>   // strncpy
#include <cxxabi.h>  // __cxa_demangle, current exception type
#include <cstdlib>   // free
#include <new>       // launder
#include <typeinfo>  // type_info
#include <unistd.h>  // write
#include <utility>   // move

#include <weft/fiber/cancelled.hpp>
#include <weft/fiber/closure.hpp>  // store_exception

#include "base/check.hpp"
#include "fiber/block.hpp"

namespace weft::inline v0::detail {

void store_exception(fiber_record& r) noexcept {
  std::exception_ptr caught = std::current_exception();
  WEFT_CHECK(caught != nullptr, "pthread_exit, or an exception of another language, leaves a fiber");
  store_failure(r, std::move(caught), r.block != nullptr ? r.block->name : "");
}

void store_failure(fiber_record& r, std::exception_ptr e, const char* name) noexcept {
  auto* f = ::new (static_cast<void*>(r.storage)) failure{std::move(e)};
  std::memcpy(f->name, name, ::strnlen(name, sizeof f->name - 1));
  r.outcome = fiber_outcome::exception;
}

failure take_failure(fiber_record& r) noexcept {
  auto* held = std::launder(reinterpret_cast<failure*>(r.storage));
  failure out = std::move(*held);
  held->~failure();
  r.outcome = fiber_outcome::none;
  return out;
}

bool is_cancellation(const std::exception_ptr& e) noexcept {
  try {
    std::rethrow_exception(e);
  } catch (const cancelled&) {
    return true;
  } catch (...) {
    return false;
  }
}

void report_failure(const failure& f, const char* how) noexcept {
  char text[512];
  const char* name = f.name[0] != '\0' ? f.name : "(unnamed)";
  int n = 0;
  try {
    std::rethrow_exception(f.exception);
  } catch (const std::exception& e) {
    n = std::snprintf(text, sizeof text, "weft: fiber '%s' %s: %s\n", name, how, e.what());
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    int status = 0;
    char* plain = type == nullptr ? nullptr : abi::__cxa_demangle(type->name(), nullptr, nullptr, &status);
    n = std::snprintf(text, sizeof text, "weft: fiber '%s' %s: an exception of type %s\n", name, how,
                      plain != nullptr ? plain : "unknown");
    std::free(plain);
  }
  const auto length = n < 0 ? 0U : static_cast<unsigned>(n);
  [[maybe_unused]] const auto wrote = ::write(STDERR_FILENO, text, length < sizeof text ? length : sizeof text - 1);
}

}  // namespace weft::inline v0::detail
