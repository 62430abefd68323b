// The caller of the naked switch whose callee-saved registers all hold known values. A file of its own, assembly only.
// a0 a1 a2 = arguments of weft_switch, a3 = 24 values, s0-s11 and fs0-fs11, replaced by what the
// registers held afterwards.
asm(R"(
    .pushsection .text
    .p2align 2
    .globl weft_torture_call
    .type  weft_torture_call, @function
weft_torture_call:
    .cfi_startproc
    addi   sp, sp, -0xe0
    .cfi_adjust_cfa_offset 0xe0
    sd     s0, 0x00(sp)
    .cfi_rel_offset s0, 0x0
    sd     s1, 0x08(sp)
    .cfi_rel_offset s1, 0x8
    sd     s2, 0x10(sp)
    .cfi_rel_offset s2, 0x10
    sd     s3, 0x18(sp)
    .cfi_rel_offset s3, 0x18
    sd     s4, 0x20(sp)
    .cfi_rel_offset s4, 0x20
    sd     s5, 0x28(sp)
    .cfi_rel_offset s5, 0x28
    sd     s6, 0x30(sp)
    .cfi_rel_offset s6, 0x30
    sd     s7, 0x38(sp)
    .cfi_rel_offset s7, 0x38
    sd     s8, 0x40(sp)
    .cfi_rel_offset s8, 0x40
    sd     s9, 0x48(sp)
    .cfi_rel_offset s9, 0x48
    sd     s10, 0x50(sp)
    .cfi_rel_offset s10, 0x50
    sd     s11, 0x58(sp)
    .cfi_rel_offset s11, 0x58
    fsd    fs0, 0x60(sp)
    .cfi_rel_offset fs0, 0x60
    fsd    fs1, 0x68(sp)
    .cfi_rel_offset fs1, 0x68
    fsd    fs2, 0x70(sp)
    .cfi_rel_offset fs2, 0x70
    fsd    fs3, 0x78(sp)
    .cfi_rel_offset fs3, 0x78
    fsd    fs4, 0x80(sp)
    .cfi_rel_offset fs4, 0x80
    fsd    fs5, 0x88(sp)
    .cfi_rel_offset fs5, 0x88
    fsd    fs6, 0x90(sp)
    .cfi_rel_offset fs6, 0x90
    fsd    fs7, 0x98(sp)
    .cfi_rel_offset fs7, 0x98
    fsd    fs8, 0xa0(sp)
    .cfi_rel_offset fs8, 0xa0
    fsd    fs9, 0xa8(sp)
    .cfi_rel_offset fs9, 0xa8
    fsd    fs10, 0xb0(sp)
    .cfi_rel_offset fs10, 0xb0
    fsd    fs11, 0xb8(sp)
    .cfi_rel_offset fs11, 0xb8
    sd     ra, 0xc0(sp)
    .cfi_rel_offset ra, 0xc0
    sd     a3, 0xc8(sp)
    ld     s0, 0x00(a3)
    ld     s1, 0x08(a3)
    ld     s2, 0x10(a3)
    ld     s3, 0x18(a3)
    ld     s4, 0x20(a3)
    ld     s5, 0x28(a3)
    ld     s6, 0x30(a3)
    ld     s7, 0x38(a3)
    ld     s8, 0x40(a3)
    ld     s9, 0x48(a3)
    ld     s10, 0x50(a3)
    ld     s11, 0x58(a3)
    fld    fs0, 0x60(a3)
    fld    fs1, 0x68(a3)
    fld    fs2, 0x70(a3)
    fld    fs3, 0x78(a3)
    fld    fs4, 0x80(a3)
    fld    fs5, 0x88(a3)
    fld    fs6, 0x90(a3)
    fld    fs7, 0x98(a3)
    fld    fs8, 0xa0(a3)
    fld    fs9, 0xa8(a3)
    fld    fs10, 0xb0(a3)
    fld    fs11, 0xb8(a3)
    call   weft_switch
    ld     a3, 0xc8(sp)
    sd     s0, 0x00(a3)
    sd     s1, 0x08(a3)
    sd     s2, 0x10(a3)
    sd     s3, 0x18(a3)
    sd     s4, 0x20(a3)
    sd     s5, 0x28(a3)
    sd     s6, 0x30(a3)
    sd     s7, 0x38(a3)
    sd     s8, 0x40(a3)
    sd     s9, 0x48(a3)
    sd     s10, 0x50(a3)
    sd     s11, 0x58(a3)
    fsd    fs0, 0x60(a3)
    fsd    fs1, 0x68(a3)
    fsd    fs2, 0x70(a3)
    fsd    fs3, 0x78(a3)
    fsd    fs4, 0x80(a3)
    fsd    fs5, 0x88(a3)
    fsd    fs6, 0x90(a3)
    fsd    fs7, 0x98(a3)
    fsd    fs8, 0xa0(a3)
    fsd    fs9, 0xa8(a3)
    fsd    fs10, 0xb0(a3)
    fsd    fs11, 0xb8(a3)
    ld     s0, 0x00(sp)
    ld     s1, 0x08(sp)
    ld     s2, 0x10(sp)
    ld     s3, 0x18(sp)
    ld     s4, 0x20(sp)
    ld     s5, 0x28(sp)
    ld     s6, 0x30(sp)
    ld     s7, 0x38(sp)
    ld     s8, 0x40(sp)
    ld     s9, 0x48(sp)
    ld     s10, 0x50(sp)
    ld     s11, 0x58(sp)
    fld    fs0, 0x60(sp)
    fld    fs1, 0x68(sp)
    fld    fs2, 0x70(sp)
    fld    fs3, 0x78(sp)
    fld    fs4, 0x80(sp)
    fld    fs5, 0x88(sp)
    fld    fs6, 0x90(sp)
    fld    fs7, 0x98(sp)
    fld    fs8, 0xa0(sp)
    fld    fs9, 0xa8(sp)
    fld    fs10, 0xb0(sp)
    fld    fs11, 0xb8(sp)
    ld     ra, 0xc0(sp)
    addi   sp, sp, 0xe0
    .cfi_adjust_cfa_offset -0xe0
    ret
    .cfi_endproc
    .size  weft_torture_call, . - weft_torture_call
    .popsection
)");
