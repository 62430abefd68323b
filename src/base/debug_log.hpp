// Remarks for whoever asks why weft does what it does: to standard error, when WEFT_LOG=debug is set.
#pragma once

namespace weft::inline v0::detail {

// One line, as printf would write it, with "weft: " before it. Off it costs a load. Not for signal handlers.
[[gnu::format(printf, 1, 2)]] void debug_log(const char* format, ...) noexcept;

}  // namespace weft::inline v0::detail
