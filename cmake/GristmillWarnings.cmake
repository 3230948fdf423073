# gristmill_warnings: linked PRIVATE by every target of this repository, so that nobody who uses the
# library inherits our opinion of warnings.
add_library(gristmill_warnings INTERFACE)

target_compile_options(
  gristmill_warnings
  INTERFACE -Wall
            -Wextra
            -Wpedantic
            -Wshadow
            -Wconversion
            -Wcast-align
            -Wformat=2
            -Wundef
            $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>
            $<$<COMPILE_LANGUAGE:CXX>:-Woverloaded-virtual>
            $<$<COMPILE_LANGUAGE:CXX>:-Wold-style-cast>
            $<$<COMPILE_LANGUAGE:CXX>:-Wextra-semi>
            $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wsuggest-override>
            $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wduplicated-cond>
            $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wlogical-op>)

# The sanitizers' own code makes GCC see variables that may be uninitialized where none is.
if(GRISTMILL_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(gristmill_warnings INTERFACE -Wno-maybe-uninitialized)
endif()

# GCC 12 sees an overlap in `"text" + string` where none is (GCC bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(gristmill_warnings INTERFACE -Wno-restrict)
endif()

if(GRISTMILL_WERROR)
  target_compile_options(gristmill_warnings INTERFACE -Werror)
endif()
