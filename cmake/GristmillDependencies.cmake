# Third-party libraries as Debian 12 and Ubuntu 24.04 package them, all as imported targets, whose
# include directories are system directories. A missing one fails here, naming its package.
#
#   Boost::headers Eigen3::Eigen gristmill::msgpack fmt::fmt CLI11::CLI11
#   tomlplusplus::tomlplusplus nlohmann_json::nlohmann_json
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
