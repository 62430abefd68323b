// The caller of the naked switch whose callee-saved registers all hold known values. A file of its own, assembly only.
// r3 r4 r5 = arguments of weft_switch, r6 = 62 values, r14-r31, f14-f31, v20-v31 with two each, CR2-CR4 and VRSAVE, replaced
// by what the registers held afterwards.
asm(R"(
    .pushsection .text
    .p2align 2
    .globl weft_torture_call
    .type  weft_torture_call, @function
weft_torture_call:
    .cfi_startproc
    mflr   0
    std    0, 0x10(1)
    .cfi_offset 65, 0x10
    mfcr   0
    stw    0, 0x08(1)
    .cfi_offset 70, 0x08
    .cfi_offset 71, 0x08
    .cfi_offset 72, 0x08
    stdu   1, -0x210(1)
    .cfi_adjust_cfa_offset 0x210
    .irp   n, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    std    \n, 0x170 + 8 * (\n - 14)(1)
    .cfi_rel_offset \n, 0x170 + 8 * (\n - 14)
    .endr
    .irp   n, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    stfd   \n, 0xe0 + 8 * (\n - 14)(1)
    .cfi_rel_offset 32 + \n, 0xe0 + 8 * (\n - 14)
    .endr
    .irp   n, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    li     7, 0x20 + 16 * (\n - 20)
    stvx   \n, 7, 1
    .cfi_rel_offset 77 + \n, 0x20 + 16 * (\n - 20)
    .endr
    std    6, 0x200(1)
    mfspr  0, 256
    stw    0, 0x208(1)
    .irp   n, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    ld     \n, 8 * (\n - 14)(6)
    .endr
    .irp   n, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    lfd    \n, 0x90 + 8 * (\n - 14)(6)
    .endr
    .irp   n, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    li     7, 0x120 + 16 * (\n - 20)
    lxvd2x 32 + \n, 7, 6
    .endr
    ld     0, 0x1e0(6)
    mtcrf  0x38, 0
    lwz    0, 0x1e8(6)
    mtspr  256, 0
    bl     weft_switch
    nop
    ld     6, 0x200(1)
    mfcr   0
    ld     7, 0x1e0(6)
    rlwimi 7, 0, 0, 8, 19
    std    7, 0x1e0(6)
    mfspr  0, 256
    stw    0, 0x1e8(6)
    .irp   n, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    std    \n, 8 * (\n - 14)(6)
    .endr
    .irp   n, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    stfd   \n, 0x90 + 8 * (\n - 14)(6)
    .endr
    .irp   n, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    li     7, 0x120 + 16 * (\n - 20)
    stxvd2x 32 + \n, 7, 6
    .endr
    lwz    0, 0x208(1)
    mtspr  256, 0
    .irp   n, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    li     7, 0x20 + 16 * (\n - 20)
    lvx    \n, 7, 1
    .endr
    .irp   n, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    lfd    \n, 0xe0 + 8 * (\n - 14)(1)
    .endr
    .irp   n, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    ld     \n, 0x170 + 8 * (\n - 14)(1)
    .endr
    addi   1, 1, 0x210
    .cfi_adjust_cfa_offset -0x210
    .irp   n, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    .cfi_restore \n
    .cfi_restore 32 + \n
    .endr
    .cfi_restore 65
    .cfi_restore 70
    .cfi_restore 71
    .cfi_restore 72
    .irp   n, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    .cfi_restore 77 + \n
    .endr
    lwz    0, 0x08(1)
    mtcrf  0x38, 0
    ld     0, 0x10(1)
    mtlr   0
    blr
    .cfi_endproc
    .size  weft_torture_call, . - weft_torture_call
    .popsection
)");
