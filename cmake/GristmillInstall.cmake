include(GNUInstallDirs)

# Workers and the built-in kernels are no programs for a PATH: <prefix>/libexec/gristmill.
function(gristmill_install)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/gristmill
          DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  if(TARGET gristmill-cli)
    install(TARGETS gristmill-cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
  if(TARGET gristmill-worker)
    install(TARGETS gristmill-worker
            RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/gristmill)
  endif()
  if(TARGET gristmill-kernels)
    install(TARGETS gristmill-kernels
            LIBRARY DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/gristmill)
  endif()
endfunction()
