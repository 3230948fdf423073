#pragma once

#include <string>

namespace gristmill::bench {

// What every benchmark program takes.
struct Options {
  bool smoke = false;     // tiny sizes, one round: shows that it works, and nothing else
  std::string json_file;  // empty: none
};

inline constexpr const char* kUsage =
    "  --smoke      tiny sizes and one round: shows that it works, measures nothing\n"
    "  --json FILE  the figures as a JSON array, too\n";

// Errors: std::invalid_argument.
Options parse_options(int argc, char** argv);

}  // namespace gristmill::bench
