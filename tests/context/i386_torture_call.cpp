// The caller of the naked switch whose callee-saved registers all hold known values. A file of its own, assembly only.
// On the stack: the arguments of weft_switch, and two values, in four registers, replaced by what the registers held
// afterwards.
asm(R"(
    .pushsection .text
    .globl weft_torture_call
    .type  weft_torture_call, @function
weft_torture_call:
    .cfi_startproc
    pushl  %ebp
    .cfi_adjust_cfa_offset 4
    .cfi_rel_offset ebp, 0
    pushl  %ebx
    .cfi_adjust_cfa_offset 4
    .cfi_rel_offset ebx, 0
    pushl  %esi
    .cfi_adjust_cfa_offset 4
    .cfi_rel_offset esi, 0
    pushl  %edi
    .cfi_adjust_cfa_offset 4
    .cfi_rel_offset edi, 0
    subl   $0x1c, %esp
    .cfi_adjust_cfa_offset 0x1c
    movl   0x30(%esp), %eax
    movl   %eax, 0x00(%esp)
    movl   0x34(%esp), %eax
    movl   %eax, 0x04(%esp)
    movl   0x38(%esp), %eax
    movl   %eax, 0x08(%esp)
    movl   0x3c(%esp), %eax
    movl   0x00(%eax), %ebx
    movl   0x04(%eax), %ebp
    movl   0x08(%eax), %esi
    movl   0x0c(%eax), %edi
    calll  weft_switch
    movl   0x3c(%esp), %eax
    movl   %ebx, 0x00(%eax)
    movl   %ebp, 0x04(%eax)
    movl   %esi, 0x08(%eax)
    movl   %edi, 0x0c(%eax)
    addl   $0x1c, %esp
    .cfi_adjust_cfa_offset -0x1c
    popl   %edi
    .cfi_adjust_cfa_offset -4
    .cfi_restore edi
    popl   %esi
    .cfi_adjust_cfa_offset -4
    .cfi_restore esi
    popl   %ebx
    .cfi_adjust_cfa_offset -4
    .cfi_restore ebx
    popl   %ebp
    .cfi_adjust_cfa_offset -4
    .cfi_restore ebp
    ret
    .cfi_endproc
    .size  weft_torture_call, . - weft_torture_call
    .popsection
)");
