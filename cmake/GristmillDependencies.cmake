# Third-party libraries as Debian 12 and Ubuntu 24.04 package them, all as imported targets, whose
# include directories are system directories. A missing one fails here, naming its package.
#
#   Boost::headers Eigen3::Eigen gristmill::msgpack fmt::fmt CLI11::CLI11
#   gristmill::toml nlohmann_json::nlohmann_json
#   with GRISTMILL_TESTS: GTest::gmock GTest::gmock_main; with GRISTMILL_BENCH: benchmark::benchmark
#   TBB::tbb

# gristmill_find(<package> <name of the Debian package> [version])
function(gristmill_find package debian_package)
  find_package(${package} ${ARGN} CONFIG QUIET)
  if(NOT ${package}_FOUND)
    message(FATAL_ERROR "could not find ${package} ${ARGN}: install ${debian_package} "
                        "(scripts/setup installs all that is needed)")
  endif()
  set(${package}_VERSION_MAJOR ${${package}_VERSION_MAJOR} PARENT_SCOPE)
endfunction()

find_package(Threads REQUIRED)
gristmill_find(Boost libboost-dev 1.74)
gristmill_find(Eigen3 libeigen3-dev 3.4)
gristmill_find(fmt libfmt-dev 9)
gristmill_find(CLI11 libcli11-dev 2)
gristmill_find(tomlplusplus libtomlplusplus-dev 3)
gristmill_find(nlohmann_json nlohmann-json3-dev 3.11)
if(GRISTMILL_TESTS)
  gristmill_find(GTest libgmock-dev 1.12)
endif()
if(GRISTMILL_BENCH)
  gristmill_find(benchmark libbenchmark-dev 1.7)
  gristmill_find(TBB libtbb-dev 2021)
endif()

# Not through its own config: that is named differently from release to release, and makes every
# user of msgpack depend on Boost, which we do without.
find_path(GRISTMILL_MSGPACK_INCLUDE_DIR msgpack.hpp)
mark_as_advanced(GRISTMILL_MSGPACK_INCLUDE_DIR)
if(NOT GRISTMILL_MSGPACK_INCLUDE_DIR)
  message(FATAL_ERROR "could not find msgpack.hpp: install libmsgpack-cxx-dev "
                      "(scripts/setup installs all that is needed)")
endif()
add_library(gristmill_msgpack INTERFACE IMPORTED)
add_library(gristmill::msgpack ALIAS gristmill_msgpack)
target_include_directories(gristmill_msgpack SYSTEM INTERFACE ${GRISTMILL_MSGPACK_INCLUDE_DIR})
target_compile_definitions(gristmill_msgpack INTERFACE MSGPACK_NO_BOOST
                                                       MSGPACK_DEFAULT_API_VERSION=3)

# The headers alone: one source uses them, and the program goes to machines without the library.
add_library(gristmill_toml INTERFACE IMPORTED)
add_library(gristmill::toml ALIAS gristmill_toml)
target_include_directories(
  gristmill_toml SYSTEM
  INTERFACE $<TARGET_PROPERTY:tomlplusplus::tomlplusplus,INTERFACE_INCLUDE_DIRECTORIES>)

# A wheel goes to other distributions, and Debian has fmt as a shared library only: everything links
# this archive in its place. What is installed or exported still names fmt::fmt.
if(GRISTMILL_PYTHON)
  get_target_property(fmt_type fmt::fmt TYPE)
  if(fmt_type STREQUAL "SHARED_LIBRARY")
    add_library(gristmill_fmt STATIC ${PROJECT_SOURCE_DIR}/cmake/fmt_archive.cc)
    target_include_directories(
      gristmill_fmt SYSTEM PRIVATE $<TARGET_PROPERTY:fmt::fmt,INTERFACE_INCLUDE_DIRECTORIES>)
    add_dependencies(fmt::fmt gristmill_fmt)
    set(fmt_archive ${CMAKE_ARCHIVE_OUTPUT_DIRECTORY}/libgristmill_fmt.a)
    get_target_property(fmt_configurations fmt::fmt IMPORTED_CONFIGURATIONS)
    foreach(configuration IN LISTS fmt_configurations)
      set_target_properties(fmt::fmt PROPERTIES IMPORTED_LOCATION_${configuration} ${fmt_archive})
    endforeach()
  endif()
endif()
