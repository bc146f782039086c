# Provides the target msquic_py::msquic: MsQuic and the OpenSSL that MsQuic itself uses.
#
#   MSQUIC_PROVIDER=auto    an installed MsQuic that is new enough, else the crate (default)
#                  =system  an installed MsQuic (CMake package "msquic", or msquic.h and libmsquic)
#                  =source  a checkout named by MSQUIC_SOURCE_DIR
#                  =crate   Microsoft's source package from the crate registry, checksum in third_party/msquic/Cargo.lock
#
# What "source" and "crate" build is kept outside the build tree in MSQUIC_CACHE_DIR, keyed by version and flags.

set(MSQUIC_MINIMUM_VERSION 2.5.0)
set(MSQUIC_CRATE_VERSION 2.5.1-beta)

set(MSQUIC_PROVIDER auto CACHE STRING "Where MsQuic comes from: auto, system, source or crate")
set_property(CACHE MSQUIC_PROVIDER PROPERTY STRINGS auto system source crate)
set(MSQUIC_SOURCE_DIR "" CACHE PATH "MsQuic checkout with its submodules, for MSQUIC_PROVIDER=source")
set(MSQUIC_BUILD_TYPE "" CACHE STRING "Build type of MsQuic itself; empty: Debug when sanitizing, else Release")
set(MSQUIC_SANITIZER "" CACHE STRING "Sanitizer MsQuic itself is built with: empty, address or thread")

if(DEFINED ENV{MSQUIC_PY_CACHE})
  set(_default_cache "$ENV{MSQUIC_PY_CACHE}")
elseif(DEFINED ENV{XDG_CACHE_HOME})
  set(_default_cache "$ENV{XDG_CACHE_HOME}/msquic-py")
elseif(DEFINED ENV{LOCALAPPDATA})
  set(_default_cache "$ENV{LOCALAPPDATA}/msquic-py")
elseif(DEFINED ENV{HOME})
  set(_default_cache "$ENV{HOME}/.cache/msquic-py")
else()
  set(_default_cache "${CMAKE_BINARY_DIR}/msquic-cache")
endif()
set(MSQUIC_CACHE_DIR "${_default_cache}" CACHE PATH "Where built copies of MsQuic are kept")

include(${CMAKE_CURRENT_LIST_DIR}/msquic/system.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/msquic/build.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/msquic/patch.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/msquic/crate.cmake)

if(NOT MSQUIC_PROVIDER MATCHES "^(auto|system|source|crate)$")
  message(FATAL_ERROR "MSQUIC_PROVIDER is '${MSQUIC_PROVIDER}': use auto, system, source or crate")
endif()

set(MSQUIC_FOUND_PROVIDER "")
if(MSQUIC_PROVIDER MATCHES "^(auto|system)$")
  msquic_from_system(_found)
  if(_found)
    set(MSQUIC_FOUND_PROVIDER system)
  elseif(MSQUIC_PROVIDER STREQUAL "system")
    message(FATAL_ERROR "MSQUIC_PROVIDER=system: no MsQuic ${MSQUIC_MINIMUM_VERSION} or newer is installed. "
                        "Install libmsquic and its headers, or use MSQUIC_PROVIDER=crate.")
  endif()
endif()
if(NOT MSQUIC_FOUND_PROVIDER)
  if(MSQUIC_PROVIDER STREQUAL "source")
    if(NOT EXISTS "${MSQUIC_SOURCE_DIR}/src/inc/msquic.h")
      message(FATAL_ERROR "MSQUIC_PROVIDER=source: set MSQUIC_SOURCE_DIR to an MsQuic checkout "
                          "(it is '${MSQUIC_SOURCE_DIR}', which has no src/inc/msquic.h)")
    endif()
    msquic_build("${MSQUIC_SOURCE_DIR}")
    set(MSQUIC_FOUND_PROVIDER source)
  else()
    msquic_from_crate()
    set(MSQUIC_FOUND_PROVIDER crate)
  endif()
endif()
message(STATUS "MsQuic: ${MSQUIC_FOUND_PROVIDER}")
