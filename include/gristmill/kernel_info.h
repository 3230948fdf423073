#pragma once

#include <string>
#include <vector>

#include <gristmill/array.h>

namespace gristmill {

// What becomes of the items: a row of the outputs for each; one result of all; any number of rows
// for each chunk.
enum class Pattern { kMap, kReduce, kEmit };

// What a kernel says of itself.
struct KernelInfo {
  struct Input {
    std::string name;
    std::string help;
    bool optional = false;
    std::vector<DType> dtypes;  // that it may have; empty: any
    std::uint32_t min_rank = 0;
    std::uint32_t max_rank = 0;  // 0: any from min_rank on
  };
  struct Param {
    std::string name;
    std::string type;           // "bool", "int", "float", "string", "list"
    std::string default_value;  // as text
    std::string help;
    bool required = false;  // has no default
  };
  struct Output {
    std::string name;
    std::string help;
  };

  std::string name;
  Pattern pattern = Pattern::kMap;
  std::string summary;      // one line
  std::string description;  // what it computes, formula and source, cost
  std::string plugin;       // the file that it comes from
  std::vector<Input> inputs;
  std::vector<Param> params;
  std::vector<Output> outputs;
};

}  // namespace gristmill
