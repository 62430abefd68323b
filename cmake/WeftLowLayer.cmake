# Windows: what needs no scheduler, as a static library of its own. weft::weft is it, so that a program that uses coroutines
# and generators alone names the same target everywhere; the headers of all else refuse to compile.
file(GLOB WEFT_LOW_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*/windows_*.cpp)
list(APPEND WEFT_LOW_SOURCES ${WEFT_SWITCH_SOURCES} ${PROJECT_SOURCE_DIR}/src/base/check.cpp
  ${PROJECT_SOURCE_DIR}/src/fiber/coroutine.cpp)

if(WEFT_INSTALL)
  message(STATUS "weft: no installation on Windows: link weft::weft from this tree")
endif()
add_library(weft_low STATIC ${WEFT_LOW_SOURCES})
target_compile_definitions(weft_low PRIVATE WEFT_BUILDING)
target_compile_features(weft_low PUBLIC cxx_std_20)
set_source_files_properties(${WEFT_SWITCH_SOURCES} PROPERTIES COMPILE_OPTIONS "${WEFT_SWITCH_OPTIONS}")
# As on Linux: the library runs on its users' stacks. Of the sources, so that it comes after the project's own options.
set_property(SOURCE ${WEFT_LOW_SOURCES} APPEND PROPERTY COMPILE_OPTIONS -Wframe-larger-than=4096)
target_compile_options(weft_low PRIVATE $<TARGET_PROPERTY:weft_options,INTERFACE_COMPILE_OPTIONS>)
target_include_directories(weft_low
  PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> PRIVATE ${PROJECT_SOURCE_DIR}/src)
add_library(weft::low ALIAS weft_low)
add_library(weft::weft ALIAS weft_low)

if(WEFT_BUILD_EXAMPLES)
  add_executable(generator ${PROJECT_SOURCE_DIR}/examples/generator/generator.cpp)
  target_link_libraries(generator PRIVATE weft::weft weft_options)
endif()
if(WEFT_BUILD_TESTS)
  enable_testing()
  add_subdirectory(tests/windows)
endif()
