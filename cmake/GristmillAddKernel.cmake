# gristmill_add_kernel(<name> <source>...)
#
# A plug-in of kernels in C or C++20: the module <name>.so, whose name starts with no "lib". It is
# compiled with the headers of gristmill and with hidden symbols, and linked against nothing of
# gristmill. An ordinary target otherwise: target_link_libraries() and all others work on it. How much
# is optimised is CMAKE_BUILD_TYPE's business; without one, nothing is.
function(gristmill_add_kernel name)
  add_library(${name} MODULE ${ARGN})
  target_link_libraries(${name} PRIVATE gristmill::kernel)
  set_target_properties(
    ${name} PROPERTIES PREFIX "" C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden
                       VISIBILITY_INLINES_HIDDEN ON)
endfunction()
