#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "tests/fault/chaos/storm.h"

namespace gristmill::chaos {

// What programs of this project may leave on the system.
struct Traces {
  std::vector<std::string> shared_names;  // in /dev/shm
  std::set<std::string> sockets;          // with a name
  std::int64_t temporary_files = 0;       // where those of the system are

  static Traces now();
};

// Outputs in a folder that have not got their names.
std::int64_t unfinished_files_in(const std::filesystem::path& folder);

// How many programs left traces of each kind.
class TraceTally {
 public:
  // outputs: the folder of the program's.
  void add(const Traces& before, const Traces& after, const std::filesystem::path& outputs);
  // None is expected, but for unfinished outputs where the file system has no files without names.
  void report_to(StormReport& report) const;

 private:
  std::int64_t shared_names_ = 0;
  std::int64_t sockets_ = 0;
  std::int64_t temporary_files_ = 0;
  std::int64_t unfinished_outputs_ = 0;
};

}  // namespace gristmill::chaos
