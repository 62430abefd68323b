/// \file   weft/context/naked_switch.hpp
/// \brief  The out-of-line switch, which coroutines call where they are used. Private to weft.
#pragma once
#include <weft/base/config.hpp>  // ABI check

/// Suspends the caller, leaves its stack pointer in *save_sp, resumes the context whose stack pointer load_sp is, and
/// hands it `value`: there it is what weft_switch returns, or on first activation the argument of its entry.
/// An ordinary function call that returns on another stack: it saves what the ABI makes callee-saved, so the call site
/// may be anywhere, in code compiled with any flags. Costs more than the inline switch.
extern "C" WEFT_EXPORT void* weft_switch(void** save_sp, void* load_sp, void* value) noexcept;
