# What `cmake --install` puts into a prefix, and the same package for the build tree. Nothing of it
# knows the prefix: an installation can be moved.
include(CMakePackageConfigHelpers)

set(package_folder ${GRISTMILL_PACKAGE_FOLDER})
set(generated ${PROJECT_BINARY_DIR}/installed)

set_target_properties(gristmill_ipc PROPERTIES EXPORT_NAME ipc)
set_target_properties(gristmill_workers PROPERTIES EXPORT_NAME workers)
set_target_properties(gristmill_headers PROPERTIES EXPORT_NAME headers)
set_target_properties(gristmill_kernel PROPERTIES EXPORT_NAME kernel)
install(TARGETS gristmill gristmill_workers gristmill_ipc gristmill_headers gristmill_kernel
                gristmill-cli
        EXPORT gristmill)
# No programs for a PATH. Not CMAKE_INSTALL_LIBEXECDIR: the engine looks here.
install(TARGETS gristmill-worker RUNTIME DESTINATION libexec/gristmill)
install(TARGETS gristmill-kernels LIBRARY DESTINATION libexec/gristmill)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

file(RELATIVE_PATH worker_from_headers ${CMAKE_INSTALL_FULL_INCLUDEDIR}/gristmill
     ${CMAKE_INSTALL_PREFIX}/libexec/gristmill/gristmill-worker)
configure_file(cmake/installation.h.in ${generated}/installation.h @ONLY)
install(DIRECTORY include/gristmill DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        PATTERN installation.h EXCLUDE)
install(FILES ${generated}/installation.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/gristmill)

# Until 1.0 a minor version may break the interfaces.
write_basic_package_version_file(${generated}/gristmillConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
# Archives fit the major version of fmt that they were compiled with.
math(EXPR next_fmt "${fmt_VERSION_MAJOR} + 1")
set(worker_of_build_tree "")
configure_package_config_file(cmake/gristmillConfig.cmake.in ${generated}/gristmillConfig.cmake
                              INSTALL_DESTINATION ${package_folder} NO_SET_AND_CHECK_MACRO)
install(EXPORT gristmill NAMESPACE gristmill:: FILE gristmillTargets.cmake
        DESTINATION ${package_folder})
install(FILES ${generated}/gristmillConfig.cmake ${generated}/gristmillConfigVersion.cmake
              cmake/GristmillAddKernel.cmake
        DESTINATION ${package_folder})

file(RELATIVE_PATH headers_from_pc ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig
     ${CMAKE_INSTALL_FULL_INCLUDEDIR})
foreach(name gristmill gristmill-kernel)
  configure_file(cmake/${name}.pc.in ${generated}/${name}.pc @ONLY)
  install(FILES ${generated}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()

# The build tree has the folders of an installation, so that it can be a CMAKE_PREFIX_PATH.
set(package_folder ${PROJECT_BINARY_DIR}/${GRISTMILL_PACKAGE_FOLDER})
file(CREATE_LINK ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/include SYMBOLIC)
set(worker_of_build_tree ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/gristmill-worker)
configure_package_config_file(
  cmake/gristmillConfig.cmake.in ${package_folder}/gristmillConfig.cmake
  INSTALL_DESTINATION ${package_folder} INSTALL_PREFIX ${PROJECT_BINARY_DIR}
  NO_SET_AND_CHECK_MACRO)
configure_file(${generated}/gristmillConfigVersion.cmake ${package_folder} COPYONLY)
configure_file(cmake/GristmillAddKernel.cmake ${package_folder} COPYONLY)
export(EXPORT gristmill NAMESPACE gristmill:: FILE ${package_folder}/gristmillTargets.cmake)
