# Microsoft's source package, fetched by cargo into the cache; Cargo.lock pins its checksum.
function(msquic_from_crate)
  set(_root "${MSQUIC_CACHE_DIR}/crate-${MSQUIC_CRATE_VERSION}")
  set(_source "${_root}/msquic")
  file(MAKE_DIRECTORY "${MSQUIC_CACHE_DIR}")
  file(LOCK "${MSQUIC_CACHE_DIR}/crate.lock" GUARD FUNCTION TIMEOUT 1800)
  if(NOT EXISTS "${_root}/complete")
    find_program(CARGO_EXECUTABLE cargo HINTS "$ENV{HOME}/.cargo/bin")
    if(NOT CARGO_EXECUTABLE)
      message(FATAL_ERROR "cargo is needed to fetch MsQuic's source package. Install it (Debian: apt install cargo), "
                          "install MsQuic itself, or name a checkout with MSQUIC_PROVIDER=source.")
    endif()
    message(STATUS "MsQuic: fetching source package msquic ${MSQUIC_CRATE_VERSION}")
    file(REMOVE_RECURSE "${_root}")
    file(MAKE_DIRECTORY "${_root}")
    execute_process(
      COMMAND "${CARGO_EXECUTABLE}" vendor --quiet --locked --versioned-dirs
              --manifest-path "${PROJECT_SOURCE_DIR}/third_party/msquic/Cargo.toml" "${_root}/vendor"
      WORKING_DIRECTORY "${_root}" RESULT_VARIABLE _failed OUTPUT_QUIET ERROR_VARIABLE _message)
    if(_failed)
      message(FATAL_ERROR "cargo could not fetch the msquic source package:\n${_message}")
    endif()
    file(RENAME "${_root}/vendor/msquic-${MSQUIC_CRATE_VERSION}" "${_source}")
    file(REMOVE_RECURSE "${_root}/vendor")
    file(TOUCH "${_root}/complete")
  endif()
  msquic_build("${_source}")
endfunction()
