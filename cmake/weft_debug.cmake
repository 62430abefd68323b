# The component debug of find_package(weft): weft::debug. Dumps read what the core keeps, and so they are a part of it.
if(NOT TARGET weft::debug)
  add_library(weft::debug INTERFACE IMPORTED)
  set_target_properties(weft::debug PROPERTIES INTERFACE_LINK_LIBRARIES weft::weft)
endif()
