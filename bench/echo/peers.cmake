# Servers that CMake does not know how to build. None of them fetches anything: Go's needs its own library alone, Tokio
# comes from the sources that Debian installs.
find_program(WEFT_GO go)
if(WEFT_GO)
  add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/bench/echo/echo_go
    COMMAND ${CMAKE_COMMAND} -E env GOCACHE=${CMAKE_CURRENT_BINARY_DIR}/go-cache GOFLAGS=-mod=mod GOPROXY=off
      CGO_ENABLED=0 ${WEFT_GO} build -o ${PROJECT_BINARY_DIR}/bench/echo/echo_go .
    DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/go/main.go ${CMAKE_CURRENT_SOURCE_DIR}/go/go.mod
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/go VERBATIM)
  add_custom_target(build_echo_go ALL DEPENDS ${PROJECT_BINARY_DIR}/bench/echo/echo_go)
else()
  message(STATUS "weft: the echo benchmark goes without Go (Debian: golang-go)")
endif()

# The system's compiler before any other: the sources are of its age.
find_program(WEFT_CARGO cargo PATHS /usr/bin NO_DEFAULT_PATH)
find_program(WEFT_RUSTC rustc PATHS /usr/bin NO_DEFAULT_PATH)
set(rust_sources /usr/share/cargo/registry)
file(GLOB tokio_sources ${rust_sources}/tokio-1.*)
if(WEFT_CARGO AND WEFT_RUSTC AND tokio_sources)
  set(tokio_folder ${CMAKE_CURRENT_BINARY_DIR}/tokio)
  configure_file(tokio/Cargo.toml ${tokio_folder}/Cargo.toml COPYONLY)
  configure_file(tokio/src/main.rs ${tokio_folder}/src/main.rs COPYONLY)
  file(WRITE ${tokio_folder}/.cargo/config.toml
    "[source.crates-io]\nreplace-with = \"debian\"\n[source.debian]\ndirectory = \"${rust_sources}\"\n")
  add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/bench/echo/echo_tokio
    COMMAND ${CMAKE_COMMAND} -E env CARGO_HOME=${tokio_folder}/home RUSTC=${WEFT_RUSTC}
      ${WEFT_CARGO} build --quiet --release --offline
    COMMAND ${CMAKE_COMMAND} -E copy ${tokio_folder}/target/release/echo_tokio ${PROJECT_BINARY_DIR}/bench/echo/echo_tokio
    DEPENDS ${tokio_folder}/Cargo.toml ${tokio_folder}/src/main.rs
    WORKING_DIRECTORY ${tokio_folder} VERBATIM)
  add_custom_target(build_echo_tokio ALL DEPENDS ${PROJECT_BINARY_DIR}/bench/echo/echo_tokio)
else()
  message(STATUS "weft: the echo benchmark goes without Tokio (Debian: cargo librust-tokio-dev)")
endif()
