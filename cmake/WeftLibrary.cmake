# The core library. Objects are built once and linked twice: weft::weft_static and weft::weft_shared;
# weft::weft is the one BUILD_SHARED_LIBS asks for.
file(GLOB_RECURSE WEFT_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*.cpp)
list(FILTER WEFT_SOURCES EXCLUDE REGEX "/src/context/(x86_64|i386|armhf|aarch64|riscv64|s390x|ppc64le)_")  # one ABI's: WeftAbi.cmake
list(FILTER WEFT_SOURCES EXCLUDE REGEX "/windows_[^/]*$")  # another system's: WeftLowLayer.cmake
list(APPEND WEFT_SOURCES ${WEFT_SWITCH_SOURCES})
list(FILTER WEFT_SOURCES EXCLUDE REGEX "/src/dns/")  # a library of its own: WeftDns.cmake
list(FILTER WEFT_SOURCES EXCLUDE REGEX "/src/tls/")  # a library of its own: WeftTls.cmake
find_package(Threads REQUIRED)

# io_uring, of kernels that have it, by liburing; without the library the build has epoll only.
option(WEFT_WITH_URING "Use io_uring where liburing is installed" ON)
find_path(WEFT_URING_INCLUDE_DIR liburing.h)
find_library(WEFT_URING_LIBRARY uring)
mark_as_advanced(WEFT_URING_INCLUDE_DIR WEFT_URING_LIBRARY)
if(WEFT_WITH_URING AND WEFT_URING_INCLUDE_DIR AND WEFT_URING_LIBRARY AND NOT WEFT_MEMORY_SANITIZER)
  set(WEFT_HAS_URING ON)
  list(FILTER WEFT_SOURCES EXCLUDE REGEX "/io/uring_absent\\.cpp$")
else()
  set(WEFT_HAS_URING OFF)
  list(FILTER WEFT_SOURCES EXCLUDE REGEX "/io/uring_(backend|entry|setup)\\.cpp$")
  message(STATUS "weft: building without io_uring: no liburing, or MemorySanitizer, which does not see what it writes")
endif()

add_library(weft_objects OBJECT ${WEFT_SOURCES})
set_target_properties(weft_objects PROPERTIES POSITION_INDEPENDENT_CODE ON)
target_link_libraries(weft_objects PRIVATE weft_options PUBLIC Threads::Threads ${WEFT_ATOMIC_LIBRARY})
target_compile_definitions(weft_objects PRIVATE WEFT_BUILDING)
target_compile_features(weft_objects PUBLIC cxx_std_20)
set_source_files_properties(${WEFT_SWITCH_SOURCES} PROPERTIES COMPILE_OPTIONS "${WEFT_SWITCH_OPTIONS}")
# The library runs on its users' stacks, of which the smallest have a guard of 4 KiB. An option of the sources, not of the
# target: those of weft_options come after the target's own, and the last one counts.
if(NOT WEFT_SANITIZE)
  set_property(SOURCE ${WEFT_SOURCES} APPEND PROPERTY COMPILE_OPTIONS -Wframe-larger-than=4096)
endif()
target_include_directories(weft_objects
  PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> PRIVATE ${PROJECT_SOURCE_DIR}/src)

if(WEFT_HAS_URING)
  target_include_directories(weft_objects SYSTEM PRIVATE ${WEFT_URING_INCLUDE_DIR})
endif()

foreach(kind static shared)
  string(TOUPPER ${kind} KIND)
  add_library(weft_${kind} ${KIND})
  target_sources(weft_${kind} PRIVATE $<TARGET_OBJECTS:weft_objects>)
  target_link_libraries(weft_${kind} PUBLIC Threads::Threads ${WEFT_ATOMIC_LIBRARY})
  target_compile_features(weft_${kind} PUBLIC cxx_std_20)
  target_include_directories(weft_${kind} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  set_target_properties(weft_${kind} PROPERTIES OUTPUT_NAME weft LINKER_LANGUAGE CXX
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  add_library(weft::weft_${kind} ALIAS weft_${kind})
endforeach()
if(WEFT_HAS_URING)  # by name: the package must not name folders of this machine
  target_link_libraries(weft_static PUBLIC uring)
  target_link_libraries(weft_shared PRIVATE uring)
endif()
# Only the shared library is linked here, so only it takes the link options; a static library would hand them on.
target_link_libraries(weft_shared PRIVATE $<BUILD_INTERFACE:weft_options>)
target_link_options(weft_shared PRIVATE -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/weft.map)
set_target_properties(weft_shared PROPERTIES LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/weft.map)
if(BUILD_SHARED_LIBS)
  add_library(weft::weft ALIAS weft_shared)
else()
  add_library(weft::weft ALIAS weft_static)
endif()

# For code whose frames may be larger than a stack's guard: touches each page of a frame on the way down, so that an
# overflow always hits the guard. Costs nothing for frames below a page. Not part of weft::weft: nobody's flags change unasked.
add_library(weft_stack_probes INTERFACE)
target_compile_options(weft_stack_probes INTERFACE -fstack-clash-protection)
set_target_properties(weft_stack_probes PROPERTIES EXPORT_NAME stack_probes)
add_library(weft::stack_probes ALIAS weft_stack_probes)

# Dumps read what the core keeps, and so they are a part of it: the target is for who asks for it by name.
add_library(weft_debug INTERFACE)
target_link_libraries(weft_debug INTERFACE weft::weft)
add_library(weft::debug ALIAS weft_debug)

# weft/interop: headers over those of Boost.Asio. The package's own: cmake/weft_interop.cmake.
find_path(WEFT_ASIO_INCLUDE_DIR boost/asio/buffer.hpp)
mark_as_advanced(WEFT_ASIO_INCLUDE_DIR)
if(WEFT_ASIO_INCLUDE_DIR)
  add_library(weft_interop INTERFACE)
  target_link_libraries(weft_interop INTERFACE weft::weft)
  target_include_directories(weft_interop SYSTEM INTERFACE ${WEFT_ASIO_INCLUDE_DIR})
  add_library(weft::interop ALIAS weft_interop)
else()
  message(STATUS "weft: skipping weft::interop: no headers of Boost.Asio")
endif()
