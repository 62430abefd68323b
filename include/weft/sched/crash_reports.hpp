/// \file   weft/sched/crash_reports.hpp
/// \brief  A crash names its fiber: reports of stack overflows and of exceptions that end the program.
#pragma once
#include <weft/base/config.hpp>  // WEFT_EXPORT

namespace weft::inline v0 {
namespace debug {

/// Installs, once for the process, a handler of SIGSEGV and SIGBUS that recognizes the guard of a fiber's stack and
/// reports the fiber, its stack and its frames before the program dies of the signal; all other faults go on to the
/// handler that was installed before, untouched. Also a terminate handler that names the running fiber and calls the one
/// before it. weft::run does this unless WEFT_CRASH_REPORTS=0 is set; a runtime of your own does not.
/// Threads: any, any number of times. \throws std::system_error
WEFT_EXPORT void install_crash_reports();

}  // namespace debug
namespace detail {
WEFT_EXPORT void install_crash_reports_by_default();  ///< what weft::run does
}
}  // namespace weft::inline v0
