# AArch64: the torture in a program that signs its return addresses and has landing pads everywhere, with both enforced:
# by a processor that can, or by an emulator that is told to be one.
if(NOT WEFT_ABI STREQUAL aarch64)
  return()
endif()
add_executable(context_torture_protected aarch64_protected_main.cpp aarch64_torture_call.cpp ${WEFT_SWITCH_SOURCES}
  ${PROJECT_SOURCE_DIR}/src/base/check.cpp)
target_include_directories(context_torture_protected PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src
  ${PROJECT_SOURCE_DIR}/tests)
target_compile_features(context_torture_protected PRIVATE cxx_std_20)
target_compile_options(context_torture_protected PRIVATE -O2 -mbranch-protection=standard)
target_link_libraries(context_torture_protected PRIVATE Threads::Threads)
add_test(NAME context.torture_protected COMMAND context_torture_protected)
add_test(NAME context.torture_protected_has_teeth COMMAND context_torture_protected trap)
set_tests_properties(context.torture_protected context.torture_protected_has_teeth PROPERTIES TIMEOUT 300
  SKIP_RETURN_CODE 77 ENVIRONMENT QEMU_CPU=max)
set_tests_properties(context.torture_protected PROPERTIES PASS_REGULAR_EXPRESSION "torture: end, all values survived")
set_tests_properties(context.torture_protected_has_teeth PROPERTIES PASS_REGULAR_EXPRESSION "trapped")
