// Assembly of the variants. At file scope, in a file without callers: no compiler option reaches into it.
#include "steps/naked.hpp"

// SAVE and LOAD are the example's fourteen moves; what differs is how the floating-point words travel and how it ends.
asm(R"(
    .macro STEPS_SAVE
    movq %rsp, 0x00(%rdi)
    movq %r15, 0x08(%rdi)
    movq %r14, 0x10(%rdi)
    movq %r13, 0x18(%rdi)
    movq %r12, 0x20(%rdi)
    movq %rbx, 0x28(%rdi)
    movq %rbp, 0x30(%rdi)
    .endm
    .macro STEPS_LOAD
    movq 0x00(%rsi), %rsp
    movq 0x08(%rsi), %r15
    movq 0x10(%rsi), %r14
    movq 0x18(%rsi), %r13
    movq 0x20(%rsi), %r12
    movq 0x28(%rsi), %rbx
    movq 0x30(%rsi), %rbp
    .endm
    .macro STEPS_BEGIN name
    .globl \name
    .type \name, @function
\name:
    .endm

    .pushsection .text
    STEPS_BEGIN steps_switch_ret
    STEPS_SAVE
    STEPS_LOAD
    ret

    STEPS_BEGIN steps_switch_jmp
    STEPS_SAVE
    STEPS_LOAD
    popq %rdx
    jmp *%rdx

    STEPS_BEGIN steps_switch_fp_load
    subq $8, %rsp
    stmxcsr 0(%rsp)
    fnstcw 4(%rsp)
    STEPS_SAVE
    STEPS_LOAD
    ldmxcsr 0(%rsp)
    fldcw 4(%rsp)
    addq $8, %rsp
    popq %rdx
    jmp *%rdx

    STEPS_BEGIN steps_switch_fp_compare
    subq $8, %rsp
    stmxcsr 0(%rsp)
    fnstcw 4(%rsp)
    STEPS_SAVE
    movq 0x00(%rsi), %rax     # the other stack: its words lie at the top
    movl 0(%rsp), %ecx
    xorl 0(%rax), %ecx
    testl $0xffc0, %ecx       # the low six bits are sticky flags, which do not travel
    jne 1f
2:  movzwl 4(%rsp), %ecx
    cmpw 4(%rax), %cx
    jne 3f
4:  STEPS_LOAD
    addq $8, %rsp
    popq %rdx
    jmp *%rdx
1:  ldmxcsr 0(%rax)
    jmp 2b
3:  fldcw 4(%rax)
    jmp 4b
    .popsection
)");
