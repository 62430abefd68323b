// The caller of the naked switch whose callee-saved registers all hold known values. A file of its own, assembly only.
// rcx rdx r8 = arguments of weft_switch, r9 = 28 values, replaced by what the registers held afterwards.
// Its frame: +00 shadow space  +20 values  +28 r15 .. +60 rbx  +70 xmm6 .. +100 xmm15  +118 return address
asm(R"(
    .text
    .p2align 4
    .globl weft_torture_call
    .def   weft_torture_call; .scl 2; .type 32; .endef
    .seh_proc weft_torture_call
weft_torture_call:
    subq   $0x118, %rsp
    .seh_stackalloc 0x118
    movq   %rbx, 0x60(%rsp)
    .seh_savereg %rbx, 0x60
    movq   %rbp, 0x58(%rsp)
    .seh_savereg %rbp, 0x58
    movq   %rdi, 0x50(%rsp)
    .seh_savereg %rdi, 0x50
    movq   %rsi, 0x48(%rsp)
    .seh_savereg %rsi, 0x48
    movq   %r12, 0x40(%rsp)
    .seh_savereg %r12, 0x40
    movq   %r13, 0x38(%rsp)
    .seh_savereg %r13, 0x38
    movq   %r14, 0x30(%rsp)
    .seh_savereg %r14, 0x30
    movq   %r15, 0x28(%rsp)
    .seh_savereg %r15, 0x28
    movaps %xmm6, 0x70(%rsp)
    .seh_savexmm %xmm6, 0x70
    movaps %xmm7, 0x80(%rsp)
    .seh_savexmm %xmm7, 0x80
    movaps %xmm8, 0x90(%rsp)
    .seh_savexmm %xmm8, 0x90
    movaps %xmm9, 0xa0(%rsp)
    .seh_savexmm %xmm9, 0xa0
    movaps %xmm10, 0xb0(%rsp)
    .seh_savexmm %xmm10, 0xb0
    movaps %xmm11, 0xc0(%rsp)
    .seh_savexmm %xmm11, 0xc0
    movaps %xmm12, 0xd0(%rsp)
    .seh_savexmm %xmm12, 0xd0
    movaps %xmm13, 0xe0(%rsp)
    .seh_savexmm %xmm13, 0xe0
    movaps %xmm14, 0xf0(%rsp)
    .seh_savexmm %xmm14, 0xf0
    movaps %xmm15, 0x100(%rsp)
    .seh_savexmm %xmm15, 0x100
    .seh_endprologue
    movq   %r9, 0x20(%rsp)
    movq   0x00(%r9), %rbx
    movq   0x08(%r9), %rbp
    movq   0x10(%r9), %rdi
    movq   0x18(%r9), %rsi
    movq   0x20(%r9), %r12
    movq   0x28(%r9), %r13
    movq   0x30(%r9), %r14
    movq   0x38(%r9), %r15
    movups 0x40(%r9), %xmm6
    movups 0x50(%r9), %xmm7
    movups 0x60(%r9), %xmm8
    movups 0x70(%r9), %xmm9
    movups 0x80(%r9), %xmm10
    movups 0x90(%r9), %xmm11
    movups 0xa0(%r9), %xmm12
    movups 0xb0(%r9), %xmm13
    movups 0xc0(%r9), %xmm14
    movups 0xd0(%r9), %xmm15
    callq  weft_switch
    movq   0x20(%rsp), %r9
    movq   %rbx, 0x00(%r9)
    movq   %rbp, 0x08(%r9)
    movq   %rdi, 0x10(%r9)
    movq   %rsi, 0x18(%r9)
    movq   %r12, 0x20(%r9)
    movq   %r13, 0x28(%r9)
    movq   %r14, 0x30(%r9)
    movq   %r15, 0x38(%r9)
    movups %xmm6, 0x40(%r9)
    movups %xmm7, 0x50(%r9)
    movups %xmm8, 0x60(%r9)
    movups %xmm9, 0x70(%r9)
    movups %xmm10, 0x80(%r9)
    movups %xmm11, 0x90(%r9)
    movups %xmm12, 0xa0(%r9)
    movups %xmm13, 0xb0(%r9)
    movups %xmm14, 0xc0(%r9)
    movups %xmm15, 0xd0(%r9)
    movq   0x60(%rsp), %rbx
    movq   0x58(%rsp), %rbp
    movq   0x50(%rsp), %rdi
    movq   0x48(%rsp), %rsi
    movq   0x40(%rsp), %r12
    movq   0x38(%rsp), %r13
    movq   0x30(%rsp), %r14
    movq   0x28(%rsp), %r15
    movaps 0x70(%rsp), %xmm6
    movaps 0x80(%rsp), %xmm7
    movaps 0x90(%rsp), %xmm8
    movaps 0xa0(%rsp), %xmm9
    movaps 0xb0(%rsp), %xmm10
    movaps 0xc0(%rsp), %xmm11
    movaps 0xd0(%rsp), %xmm12
    movaps 0xe0(%rsp), %xmm13
    movaps 0xf0(%rsp), %xmm14
    movaps 0x100(%rsp), %xmm15
    addq   $0x118, %rsp
    ret
    .seh_endproc
)");
