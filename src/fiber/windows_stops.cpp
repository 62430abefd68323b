// Windows has no scheduler yet, and so nobody who stops what a coroutine runs in: exceptions in flight below it mask nothing.
#include <weft/fiber/coroutine.hpp>

namespace weft::inline v0::detail {

void note_uncaught_below(std::uint16_t /*more*/) noexcept {}

}  // namespace weft::inline v0::detail
