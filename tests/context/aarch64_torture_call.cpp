// The caller of the naked switch whose callee-saved registers all hold known values. A file of its own, assembly only.
// x0 x1 x2 = arguments of weft_switch, x3 = 19 values, x19-x29 and d8-d15, replaced by what the
// registers held afterwards.
asm(R"(
    .pushsection .text
    .p2align 2
    .globl weft_torture_call
    .type  weft_torture_call, %function
weft_torture_call:
    .cfi_startproc
    stp    x29, x30, [sp, #-0xb0]!
    .cfi_adjust_cfa_offset 0xb0
    .cfi_rel_offset x29, 0
    .cfi_rel_offset x30, 8
    stp    x19, x20, [sp, #0x10]
    .cfi_rel_offset x19, 0x10
    .cfi_rel_offset x20, 0x18
    stp    x21, x22, [sp, #0x20]
    .cfi_rel_offset x21, 0x20
    .cfi_rel_offset x22, 0x28
    stp    x23, x24, [sp, #0x30]
    .cfi_rel_offset x23, 0x30
    .cfi_rel_offset x24, 0x38
    stp    x25, x26, [sp, #0x40]
    .cfi_rel_offset x25, 0x40
    .cfi_rel_offset x26, 0x48
    stp    x27, x28, [sp, #0x50]
    .cfi_rel_offset x27, 0x50
    .cfi_rel_offset x28, 0x58
    stp    d8, d9, [sp, #0x60]
    .cfi_rel_offset d8, 0x60
    .cfi_rel_offset d9, 0x68
    stp    d10, d11, [sp, #0x70]
    .cfi_rel_offset d10, 0x70
    .cfi_rel_offset d11, 0x78
    stp    d12, d13, [sp, #0x80]
    .cfi_rel_offset d12, 0x80
    .cfi_rel_offset d13, 0x88
    stp    d14, d15, [sp, #0x90]
    .cfi_rel_offset d14, 0x90
    .cfi_rel_offset d15, 0x98
    str    x3, [sp, #0xa0]
    ldp     x19, x20, [x3, #0x0]
    ldp     x21, x22, [x3, #0x10]
    ldp     x23, x24, [x3, #0x20]
    ldp     x25, x26, [x3, #0x30]
    ldp     x27, x28, [x3, #0x40]
    ldr    x29, [x3, #0x50]
    ldp     d8, d9, [x3, #0x58]
    ldp     d10, d11, [x3, #0x68]
    ldp     d12, d13, [x3, #0x78]
    ldp     d14, d15, [x3, #0x88]
    bl     weft_switch
    ldr    x3, [sp, #0xa0]
    stp     x19, x20, [x3, #0x0]
    stp     x21, x22, [x3, #0x10]
    stp     x23, x24, [x3, #0x20]
    stp     x25, x26, [x3, #0x30]
    stp     x27, x28, [x3, #0x40]
    str    x29, [x3, #0x50]
    stp     d8, d9, [x3, #0x58]
    stp     d10, d11, [x3, #0x68]
    stp     d12, d13, [x3, #0x78]
    stp     d14, d15, [x3, #0x88]
    ldp    x19, x20, [sp, #0x10]
    ldp    x21, x22, [sp, #0x20]
    ldp    x23, x24, [sp, #0x30]
    ldp    x25, x26, [sp, #0x40]
    ldp    x27, x28, [sp, #0x50]
    ldp    d8, d9, [sp, #0x60]
    ldp    d10, d11, [sp, #0x70]
    ldp    d12, d13, [sp, #0x80]
    ldp    d14, d15, [sp, #0x90]
    ldp    x29, x30, [sp], #0xb0
    .cfi_adjust_cfa_offset -0xb0
    ret
    .cfi_endproc
    .size  weft_torture_call, . - weft_torture_call
    .popsection
)");
