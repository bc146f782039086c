# Microsoft's source package, fetched by cargo into the cache; Cargo.lock pins its checksum.
function(msquic_from_crate)
  set(_root "${MSQUIC_CACHE_DIR}/crate-${MSQUIC_CRATE_VERSION}")
  set(_source "${_root}/msquic")
  file(MAKE_DIRECTORY "${MSQUIC_CACHE_DIR}")
  _msquic_fetch_crate("${_root}" "${_source}")
  msquic_patch("${_source}" _patched)
  msquic_build("${_patched}")
  target_compile_definitions(msquic_py_msquic INTERFACE MSQUIC_PY_PATCHED_MSQUIC=1)
endfunction()

function(_msquic_fetch_crate ROOT SOURCE)
  file(LOCK "${MSQUIC_CACHE_DIR}/crate.lock" GUARD FUNCTION TIMEOUT 1800)
  if(EXISTS "${ROOT}/complete")
    return()
  endif()
  find_program(CARGO_EXECUTABLE cargo HINTS "$ENV{HOME}/.cargo/bin" "$ENV{USERPROFILE}/.cargo/bin")
  if(NOT CARGO_EXECUTABLE)
    message(FATAL_ERROR "cargo is needed to fetch MsQuic's source package. Install it (Debian: apt install cargo), "
                        "install MsQuic itself, or name a checkout with MSQUIC_PROVIDER=source.")
  endif()
  message(STATUS "MsQuic: fetching source package msquic ${MSQUIC_CRATE_VERSION}")
  file(REMOVE_RECURSE "${ROOT}")
  # The manifest is copied: cargo must have nothing to write, nor to lock, in a checkout that may be read-only.
  file(COPY "${PROJECT_SOURCE_DIR}/third_party/msquic/" DESTINATION "${ROOT}/manifest")
  set(_vendor vendor --quiet --locked --versioned-dirs --manifest-path "${ROOT}/manifest/Cargo.toml" "${ROOT}/vendor")

  execute_process(COMMAND "${CARGO_EXECUTABLE}" --version OUTPUT_VARIABLE _cargo_version ERROR_QUIET)
  string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" _cargo_version "${_cargo_version}")
  set(_failed TRUE)
  if(_cargo_version VERSION_LESS 1.68)
    # Before 1.68 the plain-HTTP registry protocol sits behind a switch; without it cargo clones the whole registry
    # index from its git host, which takes minutes and is often unreachable where the registry itself is reachable.
    execute_process(
      COMMAND "${CMAKE_COMMAND}" -E env RUSTC_BOOTSTRAP=1 "${CARGO_EXECUTABLE}" -Z sparse-registry ${_vendor}
      WORKING_DIRECTORY "${ROOT}" RESULT_VARIABLE _failed OUTPUT_QUIET ERROR_VARIABLE _message)
  endif()
  if(_failed)
    execute_process(COMMAND "${CARGO_EXECUTABLE}" ${_vendor}
                    WORKING_DIRECTORY "${ROOT}" RESULT_VARIABLE _failed OUTPUT_QUIET ERROR_VARIABLE _message)
  endif()
  if(_failed)
    message(FATAL_ERROR "cargo ${_cargo_version} could not fetch the msquic source package:\n${_message}")
  endif()
  file(RENAME "${ROOT}/vendor/msquic-${MSQUIC_CRATE_VERSION}" "${SOURCE}")
  file(REMOVE_RECURSE "${ROOT}/vendor")
  file(TOUCH "${ROOT}/complete")
endfunction()
