// The one socket option that the net layer leaves to its users.
#include "common/any_stream.hpp"

#include <sys/socket.h>  // setsockopt

namespace weft::tool {

void any_stream::reset_on_close() noexcept {
  constexpr linger now{.l_onoff = 1, .l_linger = 0};
  // The result is dropped: it fails for no socket, and then there is nobody to tell.
  static_cast<void>(::setsockopt((*this)->native_handle(), SOL_SOCKET, SO_LINGER, &now, sizeof now));
}

}  // namespace weft::tool
