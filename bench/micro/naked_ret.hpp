// The out-of-line switch with its other ending: the shipped source, built a second time with `ret` for the last jump.
#pragma once

extern "C" void* weft_switch_ret(void** save_sp, void* load_sp, void* value) noexcept;

namespace micro {
void* make_ret_context(void* top, void (*entry)(void*)) noexcept;
}
