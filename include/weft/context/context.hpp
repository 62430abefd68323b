/// \file   weft/context/context.hpp
/// \brief  What a suspended context is: some 32 bytes that the switch saves and loads. One file per ABI, with the same members.
///
/// `context`: sp, fp, pc, floating-point words, and owner_bits, which the switch does not touch.
/// `reset_fp_words(ctx)`: as a context begins.
#pragma once

#if defined(__x86_64__)
#include <weft/context/x86_64_context.hpp>
#elif defined(__aarch64__)
#include <weft/context/aarch64_context.hpp>
#elif defined(__riscv)
#include <weft/context/riscv64_context.hpp>
#elif defined(__s390x__)
#include <weft/context/s390x_context.hpp>
#elif defined(__powerpc64__)
#include <weft/context/ppc64le_context.hpp>
#elif defined(__i386__)
#include <weft/context/i386_context.hpp>
#elif defined(__arm__)
#include <weft/context/armhf_context.hpp>
#endif
