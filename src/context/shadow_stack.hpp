// Shadow stacks (CET on x86, GCS on AArch64, Zicfiss on RISC-V): a second stack of return addresses that the processor keeps
// and the switches do not. Linkers mark no program with weft in it as able to run with one (docs/design/context.md), so no loader turns
// them on. Whoever does it all the same, by a system call or a loader's option, is told so, instead of by a fault at the first return.
#pragma once

namespace weft::inline v0::detail {

// Whether the calling thread runs with one.
bool has_shadow_stack() noexcept;

// Aborts, and says what to do. Called with has_shadow_stack() before the first stack is made.
void refuse_shadow_stack(bool has) noexcept;

}  // namespace weft::inline v0::detail
