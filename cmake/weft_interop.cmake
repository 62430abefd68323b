# The component interop of find_package(weft): weft::interop, the core with the headers of Boost.Asio, which
# weft/interop/asio_stream.hpp includes. Nothing of Boost is linked.
find_path(WEFT_ASIO_INCLUDE_DIR boost/asio/buffer.hpp)
mark_as_advanced(WEFT_ASIO_INCLUDE_DIR)
if(NOT WEFT_ASIO_INCLUDE_DIR)
  set(weft_interop_FOUND FALSE)
  set(_weft_lacks "the headers of Boost.Asio (set WEFT_ASIO_INCLUDE_DIR)")
elseif(NOT TARGET weft::interop)
  add_library(weft::interop INTERFACE IMPORTED)
  set_target_properties(weft::interop PROPERTIES INTERFACE_LINK_LIBRARIES weft::weft
    INTERFACE_INCLUDE_DIRECTORIES ${WEFT_ASIO_INCLUDE_DIR} INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${WEFT_ASIO_INCLUDE_DIR})
endif()
