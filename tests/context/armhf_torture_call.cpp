// The caller of the naked switch whose callee-saved registers all hold known values. A file of its own, assembly only.
// r0 r1 r2 = arguments of weft_switch, r3 = 12 values, r4-r11 in pairs and d8-d15, replaced by what the
// registers held afterwards.
asm(R"(
    .pushsection .text
    .arm
    .p2align 2
    .globl weft_torture_call
    .type  weft_torture_call, %function
weft_torture_call:
    .fnstart
    .cfi_startproc
    push   {r3-r11, lr}
    .save  {r4-r11, lr}
    .pad   #4
    .cfi_adjust_cfa_offset 0x28
    .cfi_rel_offset r4, 0x04
    .cfi_rel_offset r5, 0x08
    .cfi_rel_offset r6, 0x0c
    .cfi_rel_offset r7, 0x10
    .cfi_rel_offset r8, 0x14
    .cfi_rel_offset r9, 0x18
    .cfi_rel_offset r10, 0x1c
    .cfi_rel_offset r11, 0x20
    .cfi_rel_offset lr, 0x24
    vpush  {d8-d15}
    .vsave {d8-d15}
    .cfi_adjust_cfa_offset 0x40
    ldmia  r3!, {r4-r11}
    vldmia r3, {d8-d15}
    bl     weft_switch
    ldr    r3, [sp, #0x40]
    stmia  r3!, {r4-r11}
    vstmia r3, {d8-d15}
    vpop   {d8-d15}
    .cfi_adjust_cfa_offset -0x40
    pop    {r3-r11, pc}
    .cfi_endproc
    .fnend
    .size  weft_torture_call, . - weft_torture_call
    .popsection
)");
