#pragma once

#include <string>
#include <vector>

namespace gristmill {

// What becomes of the items: a row of the outputs for each, or one result of all.
enum class Pattern { kMap, kReduce };

// What a kernel says of itself.
struct KernelInfo {
  struct Input {
    std::string name;
    std::string help;
    bool optional = false;
  };
  struct Param {
    std::string name;
    std::string type;           // "bool", "int", "float", "string", "list"
    std::string default_value;  // as text
    std::string help;
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
