# weft::tls, a library beside the core: libweft_tls, static and shared, over OpenSSL 3. Without OpenSSL's headers it is left out.
find_package(OpenSSL 3.0 QUIET)
if(NOT TARGET OpenSSL::SSL)
  message(STATUS "weft: skipping weft::tls: no OpenSSL 3 (libssl-dev)")
  return()
endif()

file(GLOB WEFT_TLS_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/tls/*.cpp)
add_library(weft_tls_objects OBJECT ${WEFT_TLS_SOURCES})
set_target_properties(weft_tls_objects PROPERTIES POSITION_INDEPENDENT_CODE ON)
target_link_libraries(weft_tls_objects PRIVATE weft_options OpenSSL::SSL PUBLIC Threads::Threads)
target_compile_definitions(weft_tls_objects PRIVATE WEFT_BUILDING)
target_compile_features(weft_tls_objects PUBLIC cxx_std_20)
# As the core's: the smallest guard below a stack is as large. Of the sources, so that it comes after weft_options.
if(NOT WEFT_SANITIZE)
  set_source_files_properties(${WEFT_TLS_SOURCES} PROPERTIES COMPILE_OPTIONS -Wframe-larger-than=4096)
endif()
target_include_directories(weft_tls_objects
  PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> PRIVATE ${PROJECT_SOURCE_DIR}/src)

# Each kind goes with the core of its kind: two copies of the core in one program would be two runtimes.
foreach(kind static shared)
  string(TOUPPER ${kind} KIND)
  add_library(weft_tls_${kind} ${KIND})
  target_sources(weft_tls_${kind} PRIVATE $<TARGET_OBJECTS:weft_tls_objects>)
  target_link_libraries(weft_tls_${kind} PUBLIC weft_${kind} PRIVATE OpenSSL::SSL OpenSSL::Crypto)
  set_target_properties(weft_tls_${kind} PROPERTIES OUTPUT_NAME weft_tls LINKER_LANGUAGE CXX EXPORT_NAME tls_${kind}
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  add_library(weft::tls_${kind} ALIAS weft_tls_${kind})
endforeach()
target_link_libraries(weft_tls_shared PRIVATE $<BUILD_INTERFACE:weft_options>)
target_link_options(weft_tls_shared PRIVATE -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/weft.map)
set_target_properties(weft_tls_shared PROPERTIES LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/weft.map)
if(BUILD_SHARED_LIBS)
  add_library(weft::tls ALIAS weft_tls_shared)
else()
  add_library(weft::tls ALIAS weft_tls_static)
endif()
