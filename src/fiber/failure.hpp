// An exception kept in a record: the exception_ptr, and as much of the fiber's name as fits beside it.
#pragma once
#include <algorithm>  // min
#include <exception>  // exception_ptr

#include <weft/fiber/record.hpp>

namespace weft::inline v0::detail {

struct failure {
  std::exception_ptr exception;
  // Cut, zero-terminated; no fiber's name is longer than 32.
  char name[std::min<std::size_t>(fiber_record::storage_bytes - sizeof(std::exception_ptr), 32)] = {};
};
static_assert(sizeof(failure) <= fiber_record::storage_bytes);

void store_failure(fiber_record& r, std::exception_ptr e, const char* name) noexcept;
failure take_failure(fiber_record& r) noexcept;
bool is_cancellation(const std::exception_ptr& e) noexcept;
// "weft: fiber 'name' ended with an exception that nobody joined: what()" on standard error.
void report_failure(const failure& f, const char* how) noexcept;

}  // namespace weft::inline v0::detail
