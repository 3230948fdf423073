# GRISTMILL_PRECOMPILE parses the headers that most sources include once for all of them. A source must
# compile without it as well, and does in the presets that leave it off.
#
# gristmill_precompile(<target>) for any C++ target that is compiled with the options of its folder
# alone; gristmill_precompile(<target> TESTS) for one that links GoogleTest.
function(gristmill_precompile target)
  if(GRISTMILL_PRECOMPILE)
    set(headers gristmill_precompiled)
    if("TESTS" IN_LIST ARGN)
      set(headers gristmill_precompiled_tests)
    endif()
    target_precompile_headers(${target} REUSE_FROM ${headers})
  endif()
endfunction()

if(NOT GRISTMILL_PRECOMPILE)
  return()
endif()

# One kind of object everywhere, as precompiled headers are of one kind.
set(CMAKE_CXX_COMPILE_OPTIONS_PIE ${CMAKE_CXX_COMPILE_OPTIONS_PIC})

set(gristmill_standard_headers
    algorithm array atomic bit charconv chrono cmath csignal cstdint cstdio cstdlib cstring exception
    filesystem fstream functional limits map memory mutex numeric optional random set span sstream
    stdexcept string string_view system_error thread tuple unordered_map utility variant vector)
list(TRANSFORM gristmill_standard_headers REPLACE "(.+)" "$<$<COMPILE_LANGUAGE:CXX>:<\\1$<ANGLE-R>>")

file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/precompiled.cc CONTENT "")
set(gristmill_precompiled_sets gristmill_precompiled)
if(GRISTMILL_TESTS)
  list(APPEND gristmill_precompiled_sets gristmill_precompiled_tests)
endif()
foreach(name IN LISTS gristmill_precompiled_sets)
  add_library(${name} OBJECT ${PROJECT_BINARY_DIR}/precompiled.cc)
  # -Wpedantic changes predefined macros.
  target_link_libraries(${name} PRIVATE gristmill_warnings)
  target_precompile_headers(${name} PRIVATE ${gristmill_standard_headers})
endforeach()
if(NOT GRISTMILL_TESTS)
  return()
endif()
target_link_libraries(gristmill_precompiled_tests PRIVATE GTest::gmock)
target_compile_options(gristmill_precompiled_tests PRIVATE ${GRISTMILL_TEST_OPTIONS})
target_precompile_headers(gristmill_precompiled_tests PRIVATE
                          "$<$<COMPILE_LANGUAGE:CXX>:<gmock/gmock.h$<ANGLE-R>>"
                          "$<$<COMPILE_LANGUAGE:CXX>:<gtest/gtest.h$<ANGLE-R>>")
