// The caller of the naked switch whose callee-saved registers all hold known values. A file of its own, assembly only.
// r2 r3 r4 = arguments of weft_switch, r5 = 16 values, r6-r13 and f8-f15, replaced by what the
// registers held afterwards.
asm(R"(
    .pushsection .text
    .p2align 3
    .globl weft_torture_call
    .type  weft_torture_call, @function
weft_torture_call:
    .cfi_startproc
    stmg   %r6, %r15, 48(%r15)
    .cfi_offset %r6, -112
    .cfi_offset %r7, -104
    .cfi_offset %r8, -96
    .cfi_offset %r9, -88
    .cfi_offset %r10, -80
    .cfi_offset %r11, -72
    .cfi_offset %r12, -64
    .cfi_offset %r13, -56
    .cfi_offset %r14, -48
    .cfi_offset %r15, -40
    lgr    %r1, %r15
    aghi   %r15, -0xf0
    .cfi_adjust_cfa_offset 0xf0
    stg    %r1, 0x00(%r15)
    std    %f8, 0xa0(%r15)
    .cfi_rel_offset %f8, 0xa0
    std    %f9, 0xa8(%r15)
    .cfi_rel_offset %f9, 0xa8
    std    %f10, 0xb0(%r15)
    .cfi_rel_offset %f10, 0xb0
    std    %f11, 0xb8(%r15)
    .cfi_rel_offset %f11, 0xb8
    std    %f12, 0xc0(%r15)
    .cfi_rel_offset %f12, 0xc0
    std    %f13, 0xc8(%r15)
    .cfi_rel_offset %f13, 0xc8
    std    %f14, 0xd0(%r15)
    .cfi_rel_offset %f14, 0xd0
    std    %f15, 0xd8(%r15)
    .cfi_rel_offset %f15, 0xd8
    stg    %r5, 0xe0(%r15)
    lmg    %r6, %r13, 0x00(%r5)
    ld     %f8, 0x40(%r5)
    ld     %f9, 0x48(%r5)
    ld     %f10, 0x50(%r5)
    ld     %f11, 0x58(%r5)
    ld     %f12, 0x60(%r5)
    ld     %f13, 0x68(%r5)
    ld     %f14, 0x70(%r5)
    ld     %f15, 0x78(%r5)
    brasl  %r14, weft_switch@PLT
    lg     %r5, 0xe0(%r15)
    stmg   %r6, %r13, 0x00(%r5)
    std    %f8, 0x40(%r5)
    std    %f9, 0x48(%r5)
    std    %f10, 0x50(%r5)
    std    %f11, 0x58(%r5)
    std    %f12, 0x60(%r5)
    std    %f13, 0x68(%r5)
    std    %f14, 0x70(%r5)
    std    %f15, 0x78(%r5)
    ld     %f8, 0xa0(%r15)
    ld     %f9, 0xa8(%r15)
    ld     %f10, 0xb0(%r15)
    ld     %f11, 0xb8(%r15)
    ld     %f12, 0xc0(%r15)
    ld     %f13, 0xc8(%r15)
    ld     %f14, 0xd0(%r15)
    ld     %f15, 0xd8(%r15)
    lmg    %r6, %r15, 0x120(%r15)
    .cfi_adjust_cfa_offset -0xf0
    .cfi_restore %f8
    .cfi_restore %f9
    .cfi_restore %f10
    .cfi_restore %f11
    .cfi_restore %f12
    .cfi_restore %f13
    .cfi_restore %f14
    .cfi_restore %f15
    .cfi_restore %r6
    .cfi_restore %r7
    .cfi_restore %r8
    .cfi_restore %r9
    .cfi_restore %r10
    .cfi_restore %r11
    .cfi_restore %r12
    .cfi_restore %r13
    .cfi_restore %r14
    .cfi_restore %r15
    br     %r14
    .cfi_endproc
    .size  weft_torture_call, . - weft_torture_call
    .popsection
)");
