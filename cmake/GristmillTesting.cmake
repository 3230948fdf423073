include(GoogleTest)

# GRISTMILL_NUMPY_PYTHON: an interpreter for the tests that compare with NumPy; the first on the PATH
# need not have it. scripts/setup test installs one.
function(gristmill_has_numpy result candidate)
  execute_process(COMMAND ${candidate} -c "import numpy" RESULT_VARIABLE status OUTPUT_QUIET
                  ERROR_QUIET)
  if(NOT status EQUAL 0)
    set(${result} FALSE PARENT_SCOPE)
  endif()
endfunction()
find_program(GRISTMILL_NUMPY_PYTHON NAMES python3 VALIDATOR gristmill_has_numpy REQUIRED)

# A sanitizer slows a test down several times.
set(gristmill_timeout_factor 1)
if(GRISTMILL_SANITIZE)
  set(gristmill_timeout_factor 5)
endif()

# What a set of labels and a timeout mean to CTest, as arguments for set_tests_properties().
function(gristmill_test_properties result labels timeout)
  if(NOT timeout)
    set(timeout 60)
  endif()
  math(EXPR timeout "${timeout} * ${gristmill_timeout_factor}")
  set(run_serial FALSE)
  if("exclusive" IN_LIST labels)
    set(run_serial TRUE)
  endif()
  # Before CTest's own SIGKILL, which tells nothing.
  math(EXPR limit "${timeout} * 5 / 6")
  set(${result} "LABELS \"${labels}\" TIMEOUT ${timeout} RUN_SERIAL ${run_serial} \
ENVIRONMENT GRISTMILL_TEST_LIMIT=${limit}" PARENT_SCOPE)
endfunction()

# gristmill_test_code(<target>): compiled with GRISTMILL_TEST_OPTIONS, as the code of tests and not of
# what they test.
function(gristmill_test_code target)
  target_compile_options(${target} PRIVATE ${GRISTMILL_TEST_OPTIONS})
  gristmill_precompile(${target} TESTS)
endfunction()

# The programs of the tests that run under sanitizers.
add_custom_target(sanitizer_tests)

# gristmill_add_test(<name> LABELS <label>... SOURCES <file>... [LIBS <target>...] [TIMEOUT <seconds>])
#
# A GoogleTest program in bin/, each of its tests one CTest test. One label of unit, property,
# process, cli, docs says what it is; `slow` keeps it out of the sanitizer runs, `exclusive` runs it
# alone. TIMEOUT (default 60) is the watchdog against a hang, not a measure of speed. Links
# gristmill_test_main: the watchdog that prints stacks, the check that nothing is left. The sources see
# GRISTMILL_SOURCE_DIR and GRISTMILL_BIN_DIR as string literals.
function(gristmill_add_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "LABELS;SOURCES;LIBS")
  if(NOT arg_LABELS OR NOT arg_SOURCES OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "gristmill_add_test(${name}): LABELS and SOURCES are needed; "
                        "not understood: \"${arg_UNPARSED_ARGUMENTS}\"")
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LIBS} gristmill_source_root gristmill_warnings
                                        gristmill_test_main GTest::gmock)
  target_compile_definitions(
    ${name} PRIVATE GRISTMILL_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                    GRISTMILL_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
  gristmill_test_code(${name})
  if(arg_LABELS MATCHES "^(unit|property|process)$")
    add_dependencies(sanitizer_tests ${name})
  endif()

  # PRE_TEST: a build does not run what it has just built. PROPERTIES of gtest_discover_tests lose
  # lists on the way, so a second file, read right after the one with the tests, sets them.
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60)
  gristmill_test_properties(properties "${arg_LABELS}" "${arg_TIMEOUT}")
  set(properties_file ${CMAKE_CURRENT_BINARY_DIR}/${name}_properties.cmake)
  file(CONFIGURE OUTPUT ${properties_file} @ONLY CONTENT [[
foreach(test IN LISTS @name@_TESTS)
  set_tests_properties("${test}" PROPERTIES @properties@)
endforeach()
]])
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${properties_file})
endfunction()

# gristmill_add_script_test(<name> LABELS <label>... COMMAND <word>... [TIMEOUT <seconds>])
# The same for a test that is a script; it passes by ending with 0.
function(gristmill_add_script_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "LABELS;COMMAND")
  if(NOT arg_LABELS OR NOT arg_COMMAND OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "gristmill_add_script_test(${name}): LABELS and COMMAND are needed; "
                        "not understood: \"${arg_UNPARSED_ARGUMENTS}\"")
  endif()
  add_test(NAME ${name} COMMAND ${arg_COMMAND})
  gristmill_test_properties(properties "${arg_LABELS}" "${arg_TIMEOUT}")
  cmake_language(EVAL CODE "set_tests_properties(${name} PROPERTIES ${properties})")
endfunction()

# gristmill_check_headers(<target>): every public header compiles alone, kernel.h also as C.
function(gristmill_check_headers target)
  set(folder ${PROJECT_SOURCE_DIR}/include/gristmill)
  file(GLOB headers RELATIVE ${folder} ${folder}/*.h ${folder}/*.hpp)
  # A header that comes or goes changes the folder, and so runs CMake again.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${folder})
  set(sources "")
  foreach(header IN LISTS headers)
    set(languages cc)
    if(header STREQUAL "kernel.h")
      list(APPEND languages c)
    endif()
    foreach(language IN LISTS languages)
      set(source ${CMAKE_CURRENT_BINARY_DIR}/headers/${header}.${language})
      # Twice, for the include guard.
      file(CONFIGURE OUTPUT ${source} @ONLY
           CONTENT "#include <gristmill/@header@>\n#include <gristmill/@header@>\n")
      list(APPEND sources ${source})
    endforeach()
  endforeach()
  if(sources)
    add_library(${target} OBJECT ${sources})
    target_link_libraries(${target} PRIVATE gristmill_kernel gristmill_warnings)
  endif()
endfunction()
