// The out-of-line switch with its other ending; every name is renamed, so that both live in one program.
#define WEFT_SWITCH_WITH_RET
#define weft_switch weft_switch_ret
#define weft_naked_entry weft_naked_entry_ret
#define make_naked_context make_naked_context_ret
#include "context/x86_64_naked.cpp"

#include "micro/naked_ret.hpp"

namespace micro {
void* make_ret_context(void* top, void (*entry)(void*)) noexcept {
  return weft::detail::make_naked_context_ret(top, entry);
}
}  // namespace micro
