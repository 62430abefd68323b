# The component dns of find_package(weft): weft::dns, which makes net::resolve use c-ares by being linked.
find_library(WEFT_CARES_LIBRARY cares)
mark_as_advanced(WEFT_CARES_LIBRARY)
get_filename_component(_weft_libdir ${CMAKE_CURRENT_LIST_DIR}/../.. ABSOLUTE)
if(NOT WEFT_CARES_LIBRARY)
  set(weft_dns_FOUND FALSE)
  set(_weft_lacks "c-ares (set WEFT_CARES_LIBRARY)")
elseif(NOT TARGET weft::dns)
  add_library(weft::dns STATIC IMPORTED)
  set_target_properties(weft::dns PROPERTIES IMPORTED_LOCATION ${_weft_libdir}/libweft_dns.a
    IMPORTED_LINK_INTERFACE_LANGUAGES CXX
    INTERFACE_LINK_LIBRARIES "weft::weft;${WEFT_CARES_LIBRARY}"
    INTERFACE_LINK_OPTIONS LINKER:-u,weft_dns_installed)
endif()
unset(_weft_libdir)
