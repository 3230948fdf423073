# The package gristmill of an installed wheel: its component "kernel", which is the headers
# gristmill::kernel and the function gristmill_add_kernel(). A wheel has no library to link.
foreach(component IN LISTS gristmill_FIND_COMPONENTS)
  if(NOT component STREQUAL "kernel")
    set(gristmill_FOUND FALSE)
    set(gristmill_NOT_FOUND_MESSAGE
        "the Python package has the component kernel only, not ${component}: install the C++ package")
    return()
  endif()
endforeach()

# For those who use it.
find_package(Eigen3 3.4 CONFIG QUIET)

if(NOT TARGET gristmill::kernel)
  get_filename_component(gristmill_package "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
  add_library(gristmill::kernel INTERFACE IMPORTED)
  target_include_directories(gristmill::kernel INTERFACE "${gristmill_package}/include")
  target_compile_features(gristmill::kernel INTERFACE cxx_std_20)
  target_link_libraries(gristmill::kernel INTERFACE $<TARGET_NAME_IF_EXISTS:Eigen3::Eigen>)
  unset(gristmill_package)
endif()
include(${CMAKE_CURRENT_LIST_DIR}/GristmillAddKernel.cmake)
set(gristmill_kernel_FOUND TRUE)
