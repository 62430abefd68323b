# weft_options: how the project's own sources are compiled. Nothing here reaches users of the library.
set(WEFT_MEMORY_SANITIZER OFF)
if("${WEFT_SANITIZE}" MATCHES "memory" OR "${CMAKE_CXX_FLAGS}" MATCHES "-fsanitize=[a-z,]*memory")
  set(WEFT_MEMORY_SANITIZER ON)
endif()
add_library(weft_options INTERFACE)
target_compile_features(weft_options INTERFACE cxx_std_20)
target_compile_options(weft_options INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual
  -fasynchronous-unwind-tables  # the default but on RISC-V: profilers interrupt anywhere
  -fno-omit-frame-pointer -fvisibility=hidden -fvisibility-inlines-hidden)
# There what others find by frame pointers is found by a chain of stack pointers, and that is not the default.
if(CMAKE_SYSTEM_PROCESSOR STREQUAL s390x)
  target_compile_options(weft_options INTERFACE -mbackchain)
endif()
# From POWER10 on compilers keep a register of their own for what is reached relative to the place, and the inline switch needs all.
include(CheckCXXCompilerFlag)
if(CMAKE_SYSTEM_PROCESSOR STREQUAL ppc64le)
  check_cxx_compiler_flag(-mno-pcrel WEFT_HAS_NO_PCREL)
  if(WEFT_HAS_NO_PCREL)
    target_compile_options(weft_options INTERFACE -mno-pcrel)
  endif()
endif()
# Where `long` has 32 bits: files beyond 2 GiB and times after 2038. Public headers name no type that depends on it.
if(CMAKE_SIZEOF_VOID_P EQUAL 4)
  target_compile_definitions(weft_options INTERFACE _FILE_OFFSET_BITS=64 _TIME_BITS=64)
endif()
# The guard below a default stack is as large: a larger frame could step over it. With sanitizers frames grow.
if(NOT WEFT_SANITIZE)
  target_compile_options(weft_options INTERFACE -Wframe-larger-than=65536)
endif()
# GCC 12 sees overlapping copies in std::string concatenation where there are none (GCC bug 105651).
target_compile_options(weft_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
if(WEFT_WERROR)
  target_compile_options(weft_options INTERFACE -Werror)
endif()
if(WEFT_SANITIZE)
  # A report names lines. Build types that say how much debug information they want are left alone: -g here would undo
  # the presets' -g1, and cost them most of their disk and link time.
  target_compile_options(weft_options INTERFACE -fsanitize=${WEFT_SANITIZE} -fno-sanitize-recover=all
    $<$<NOT:$<CONFIG:Debug,RelWithDebInfo>>:-g1>)
  target_link_options(weft_options INTERFACE -fsanitize=${WEFT_SANITIZE})
endif()
# MemorySanitizer, asked for here or by the program's own flags, has to see all that writes memory. Of the C++ library that leaves what is not a template; std::string and the
# streams are compiled here instead of being taken from the library.
if(WEFT_MEMORY_SANITIZER)
  target_compile_definitions(weft_options INTERFACE _GLIBCXX_EXTERN_TEMPLATE=0)
endif()
# GCC takes twice as long for code with UBSan's checks when it optimizes, and of what stands on the library nothing is faster for it
# that one would notice: the preset `asan` says -O0.
set(WEFT_OUTER_COMPILE_OPTIONS "" CACHE STRING "Compiler options of tests and tools alone, after all others")
target_link_options(weft_options INTERFACE -Wl,--fatal-warnings $<$<NOT:$<BOOL:${WIN32}>>:-Wl,-z,noexecstack>)
