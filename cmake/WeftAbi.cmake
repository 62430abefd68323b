# WEFT_ABI: whose files of src/context/ are built, and WEFT_SWITCH_SOURCES: which those are. How an ABI is added:
# docs/porting.md.
string(TOLOWER "${CMAKE_SYSTEM_PROCESSOR}" processor)
if(WIN32 AND processor MATCHES "^(x86_64|amd64)$")
  set(WEFT_ABI x86_64_windows)
elseif(processor MATCHES "^(x86_64|amd64)$" AND CMAKE_SIZEOF_VOID_P EQUAL 8)
  set(WEFT_ABI x86_64)
elseif(processor MATCHES "^(x86_64|amd64|i[3-6]86)$")  # the first two by -m32
  set(WEFT_ABI i386)
elseif(processor MATCHES "^(aarch64|arm64)$" AND CMAKE_SIZEOF_VOID_P EQUAL 8)
  set(WEFT_ABI aarch64)
elseif(processor STREQUAL riscv64)
  set(WEFT_ABI riscv64)
elseif(processor STREQUAL s390x)
  set(WEFT_ABI s390x)
elseif(processor STREQUAL ppc64le)
  set(WEFT_ABI ppc64le)
elseif(processor MATCHES "^(aarch64|arm64|arm|armv7.*|armv8l|armhf)$")  # the first two: programs of 32 bits there
  set(WEFT_ABI armhf)
else()
  message(FATAL_ERROR "weft: no context switch for '${CMAKE_SYSTEM_PROCESSOR}'; docs/porting.md tells how to add one")
endif()
file(GLOB WEFT_SWITCH_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/context/${WEFT_ABI}_*.cpp)
if(NOT WIN32)
  list(FILTER WEFT_SWITCH_SOURCES EXCLUDE REGEX "_windows_[^/]*$")  # of the same processor
endif()

# The switches keep no shadow stack (x86-64, i386) and no guarded control stack (AArch64): a linker that sees these objects
# unmarked marks no program with them either. What they do keep, landing pads of indirect branches, is theirs always.
set(weft_switch_options_x86_64 -fcf-protection=branch)
set(weft_switch_options_aarch64 -mbranch-protection=bti)
set(weft_switch_options_riscv64)
set(weft_switch_options_i386 -fcf-protection=branch)
set(weft_switch_options_armhf)
set(weft_switch_options_s390x)
set(weft_switch_options_ppc64le)
set(weft_switch_options_x86_64_windows)
set(WEFT_SWITCH_OPTIONS ${weft_switch_options_${WEFT_ABI}} -fno-lto)

# Where the compiler calls a library for atomics of one byte (GCC on RISC-V before 14), everybody who links weft, whose
# headers have some, links that too.
include(CheckCXXSourceCompiles)
set(byte_atomics "
  #include <atomic>
  int main(int n, char**) { std::atomic<bool> a{n > 1}; return a.exchange(true); }")
check_cxx_source_compiles("${byte_atomics}" WEFT_HAS_BYTE_ATOMICS)
set(WEFT_ATOMIC_LIBRARY)
if(NOT WEFT_HAS_BYTE_ATOMICS)
  set(CMAKE_REQUIRED_LIBRARIES atomic)
  check_cxx_source_compiles("${byte_atomics}" WEFT_HAS_BYTE_ATOMICS_BY_LIBRARY)
  unset(CMAKE_REQUIRED_LIBRARIES)
  if(WEFT_HAS_BYTE_ATOMICS_BY_LIBRARY)
    set(WEFT_ATOMIC_LIBRARY atomic)
  endif()
endif()
