# Headers, libraries, the CMake package and the pkg-config file.
#
# The package is relocatable: nothing in it names the folder it was installed to. What the project's own sources are
# compiled with (weft_options) and from (weft_objects) is not in it.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(WEFT_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/weft)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/weft DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.hpp PATTERN *.h)
install(TARGETS weft_static weft_shared weft_stack_probes EXPORT weftTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT weftTargets NAMESPACE weft:: DESTINATION ${WEFT_PACKAGE_DIR})

# What weft::weft means to a user of the package who does not say: what this build was asked for.
set(WEFT_DEFAULT_KIND static)
if(BUILD_SHARED_LIBS)
  set(WEFT_DEFAULT_KIND shared)
endif()
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/weftConfig.cmake.in ${PROJECT_BINARY_DIR}/weftConfig.cmake
  INSTALL_DESTINATION ${WEFT_PACKAGE_DIR} NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may break its users: 0.1 is not good for who wants 0.2.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/weftConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/weftConfig.cmake ${PROJECT_BINARY_DIR}/weftConfigVersion.cmake
  ${PROJECT_SOURCE_DIR}/cmake/weft_interop.cmake ${PROJECT_SOURCE_DIR}/cmake/weft_debug.cmake
  DESTINATION ${WEFT_PACKAGE_DIR})

# pkg-config finds the prefix from where the file lies.
set(WEFT_PC_DIR ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH WEFT_PC_TO_PREFIX ${CMAKE_INSTALL_PREFIX}/${WEFT_PC_DIR} ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" WEFT_PC_TO_PREFIX "${WEFT_PC_TO_PREFIX}")
set(WEFT_PC_URING "")
if(WEFT_HAS_URING)
  set(WEFT_PC_URING " -luring")
endif()
list(TRANSFORM WEFT_ATOMIC_LIBRARY PREPEND " -l" OUTPUT_VARIABLE WEFT_PC_ATOMIC)
configure_file(${PROJECT_SOURCE_DIR}/cmake/weft.pc.in ${PROJECT_BINARY_DIR}/weft.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/weft.pc DESTINATION ${WEFT_PC_DIR})

if(TARGET weft_dns)
  install(TARGETS weft_dns ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(FILES ${PROJECT_SOURCE_DIR}/cmake/weft_dns.cmake DESTINATION ${WEFT_PACKAGE_DIR})
  configure_file(${PROJECT_SOURCE_DIR}/cmake/weft-dns.pc.in ${PROJECT_BINARY_DIR}/weft-dns.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/weft-dns.pc DESTINATION ${WEFT_PC_DIR})
endif()
# weft::tls has exports of its own, one for each kind: a program that takes one kind needs nothing of the other's, and one that
# takes neither needs no OpenSSL.
if(TARGET weft::tls)
  foreach(kind static shared)
    install(TARGETS weft_tls_${kind} EXPORT weft_tls_${kind}Targets
      ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(EXPORT weft_tls_${kind}Targets NAMESPACE weft:: DESTINATION ${WEFT_PACKAGE_DIR})
  endforeach()
  install(FILES ${PROJECT_SOURCE_DIR}/cmake/weft_tls.cmake DESTINATION ${WEFT_PACKAGE_DIR})
  configure_file(${PROJECT_SOURCE_DIR}/cmake/weft-tls.pc.in ${PROJECT_BINARY_DIR}/weft-tls.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/weft-tls.pc DESTINATION ${WEFT_PC_DIR})
endif()

# For gdb: `source <prefix>/share/weft/gdb/weft-gdb.py`.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/tools/gdb/ DESTINATION ${CMAKE_INSTALL_DATADIR}/weft/gdb FILES_MATCHING PATTERN *.py
  PATTERN __pycache__ EXCLUDE)

install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
