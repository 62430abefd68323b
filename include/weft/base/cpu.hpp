/// \file   weft/base/cpu.hpp
/// \brief  The few single instructions weft asks of a CPU, one file per instruction set: a pause, a cycle counter, a
///         prefetch.
#pragma once

#if defined(__x86_64__)
#include <weft/base/x86_64_cpu.hpp>
#elif defined(__aarch64__)
#include <weft/base/aarch64_cpu.hpp>
#elif defined(__riscv)
#include <weft/base/riscv64_cpu.hpp>
#elif defined(__s390x__)
#include <weft/base/s390x_cpu.hpp>
#elif defined(__powerpc64__)
#include <weft/base/ppc64le_cpu.hpp>
#elif defined(__i386__)
#include <weft/base/i386_cpu.hpp>
#elif defined(__arm__)
#include <weft/base/armhf_cpu.hpp>
#endif
