// The caller of the naked switch whose callee-saved registers all hold known values. A file of its own, assembly only.
// rdi rsi rdx = arguments of weft_switch, rcx = six values, replaced by what the registers held afterwards.
asm(R"(
    .pushsection .text
    .globl weft_torture_call
    .type  weft_torture_call, @function
weft_torture_call:
    .cfi_startproc
    pushq  %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rbp, 0
    pushq  %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rbx, 0
    pushq  %r12
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r12, 0
    pushq  %r13
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r13, 0
    pushq  %r14
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r14, 0
    pushq  %r15
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r15, 0
    pushq  %rcx
    .cfi_adjust_cfa_offset 8
    movq   0x00(%rcx), %rbx
    movq   0x08(%rcx), %rbp
    movq   0x10(%rcx), %r12
    movq   0x18(%rcx), %r13
    movq   0x20(%rcx), %r14
    movq   0x28(%rcx), %r15
    callq  weft_switch
    popq   %rcx
    .cfi_adjust_cfa_offset -8
    movq   %rbx, 0x00(%rcx)
    movq   %rbp, 0x08(%rcx)
    movq   %r12, 0x10(%rcx)
    movq   %r13, 0x18(%rcx)
    movq   %r14, 0x20(%rcx)
    movq   %r15, 0x28(%rcx)
    popq   %r15
    .cfi_adjust_cfa_offset -8
    popq   %r14
    .cfi_adjust_cfa_offset -8
    popq   %r13
    .cfi_adjust_cfa_offset -8
    popq   %r12
    .cfi_adjust_cfa_offset -8
    popq   %rbx
    .cfi_adjust_cfa_offset -8
    popq   %rbp
    .cfi_adjust_cfa_offset -8
    ret
    .cfi_endproc
    .size  weft_torture_call, . - weft_torture_call
    .popsection
)");
