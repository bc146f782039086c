# cmake --install: headers, static libraries, MsQuic beside them with its notices, and the CMake package msquic-py.
# Everything belongs to the component "cpp"; the Python wheel takes the component "python" alone.
include(CMakePackageConfigHelpers)

set(_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/msquic-py")
get_property(_libraries GLOBAL PROPERTY MSQUIC_PY_LIBRARIES)
set_target_properties(msquic_py_msquic PROPERTIES EXPORT_NAME msquic)
install(TARGETS ${_libraries} msquic_py_msquic EXPORT msquic-py-targets
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT cpp)
install(DIRECTORY src/ DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/msquic-py" COMPONENT cpp FILES_MATCHING PATTERN "*.h")
install(EXPORT msquic-py-targets NAMESPACE msquic-py:: DESTINATION "${_package_dir}" COMPONENT cpp)
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT cpp)

# MsQuic built here has no installation of its own: its library and headers go along, out of the way of a system copy.
set(MSQUIC_PY_BUNDLED_MSQUIC "")
if(TARGET msquic_static_library)
  get_target_property(_msquic_file msquic_static_library IMPORTED_LOCATION)
  get_filename_component(_msquic_name "${_msquic_file}" NAME)
  set(MSQUIC_PY_BUNDLED_MSQUIC "${CMAKE_INSTALL_LIBDIR}/msquic-py/${_msquic_name}")
  install(FILES "${_msquic_file}" DESTINATION "${CMAKE_INSTALL_LIBDIR}/msquic-py" COMPONENT cpp)
  install(DIRECTORY "${MSQUIC_PREFIX}/include/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/msquic-py/msquic" COMPONENT cpp)
  file(GLOB _notices "${MSQUIC_PREFIX}/LICENSE*" "${MSQUIC_PREFIX}/THIRD-PARTY-NOTICES")
  install(FILES ${_notices} DESTINATION "${CMAKE_INSTALL_DOCDIR}/msquic" COMPONENT cpp)
endif()

set(MSQUIC_PY_DEPENDENCIES "${MSQUIC_SYSTEM_DEPENDENCIES}")
configure_package_config_file(cmake/msquic-py-config.cmake.in "${CMAKE_BINARY_DIR}/cmake/msquic-py-config.cmake"
                              INSTALL_DESTINATION "${_package_dir}")
write_basic_package_version_file("${CMAKE_BINARY_DIR}/cmake/msquic-py-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/cmake/msquic-py-config.cmake" "${CMAKE_BINARY_DIR}/cmake/msquic-py-config-version.cmake"
        DESTINATION "${_package_dir}" COMPONENT cpp)
