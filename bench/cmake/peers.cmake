# Programs that CMake does not know how to build. None of them fetches anything: those in Go need its own library alone,
# those in Rust come from the sources that Debian installs.
find_program(WEFT_GO go)
# The system's compiler before any other: the sources are of its age.
find_program(WEFT_CARGO cargo PATHS /usr/bin NO_DEFAULT_PATH)
find_program(WEFT_RUSTC rustc PATHS /usr/bin NO_DEFAULT_PATH)
mark_as_advanced(WEFT_GO WEFT_CARGO WEFT_RUSTC)

# add_go_program(<path below the build folder>): from a Go module.
#   [FOLDER <folder>]  where the module is; default: the caller's own
function(add_go_program output)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "FOLDER" "")
  get_filename_component(name ${output} NAME)
  if(NOT WEFT_GO)
    message(STATUS "weft: the benchmarks go without ${name} (Debian: golang-go)")
    return()
  endif()
  set(folder ${CMAKE_CURRENT_SOURCE_DIR}/${arg_FOLDER})
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.go ${folder}/go.mod)
  add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/${output}
    COMMAND ${CMAKE_COMMAND} -E env GOCACHE=${PROJECT_BINARY_DIR}/bench/go-cache GOFLAGS=-mod=mod GOPROXY=off
      CGO_ENABLED=0 ${WEFT_GO} build -o ${PROJECT_BINARY_DIR}/${output} .
    DEPENDS ${sources} WORKING_DIRECTORY ${folder} VERBATIM)
  add_custom_target(build_${name} ALL DEPENDS ${PROJECT_BINARY_DIR}/${output})
endfunction()

# add_cargo_program(<path below the build folder>): from a Cargo package whose binary has the name of the output.
#   CRATES <crate>...     each needs Debian's librust-<crate>-dev
#   [FOLDER <folder>]     where the package is; default: the caller's own
#   [SHARED <folder>...]  packages beside that folder that it names as "../<folder>"
function(add_cargo_program output)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "FOLDER" "CRATES;SHARED")
  get_filename_component(name ${output} NAME)
  set(registry /usr/share/cargo/registry)
  set(missing)
  if(NOT WEFT_CARGO OR NOT WEFT_RUSTC)
    string(APPEND missing " cargo")
  endif()
  foreach(crate IN LISTS arg_CRATES)
    file(GLOB found ${registry}/${crate}-[0-9]*)
    if(NOT found)
      string(APPEND missing " librust-${crate}-dev")
    endif()
  endforeach()
  if(missing)
    message(STATUS "weft: the benchmarks go without ${name} (Debian:${missing})")
    return()
  endif()

  # Built from a copy: Cargo writes beside its sources.
  get_filename_component(folder ${CMAKE_CURRENT_SOURCE_DIR}/${arg_FOLDER} ABSOLUTE)
  get_filename_component(package ${folder} NAME)
  set(copies ${CMAKE_CURRENT_BINARY_DIR}/cargo)
  set(sources)
  foreach(part IN ITEMS ${package} LISTS arg_SHARED)
    file(GLOB_RECURSE files CONFIGURE_DEPENDS RELATIVE ${folder}/.. ${folder}/../${part}/*.rs ${folder}/../${part}/Cargo.toml)
    foreach(file IN LISTS files)
      configure_file(${folder}/../${file} ${copies}/${file} COPYONLY)
      list(APPEND sources ${copies}/${file})
    endforeach()
  endforeach()
  file(WRITE ${copies}/.cargo/config.toml
    "[source.crates-io]\nreplace-with = \"debian\"\n[source.debian]\ndirectory = \"${registry}\"\n")
  add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/${output}
    COMMAND ${CMAKE_COMMAND} -E env CARGO_HOME=${copies}/home CARGO_TARGET_DIR=${copies}/target RUSTC=${WEFT_RUSTC}
      ${WEFT_CARGO} build --quiet --release --offline
    COMMAND ${CMAKE_COMMAND} -E copy ${copies}/target/release/${name} ${PROJECT_BINARY_DIR}/${output}
    DEPENDS ${sources} WORKING_DIRECTORY ${copies}/${package} VERBATIM)
  add_custom_target(build_${name} ALL DEPENDS ${PROJECT_BINARY_DIR}/${output})
endfunction()
