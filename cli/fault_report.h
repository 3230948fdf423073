#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include <nlohmann/json.hpp>

#include <gristmill/result.h>

namespace gristmill::cli {

// Lines of a summary about failed attempts and quarantined items; empty if there were none.
std::string faults_text(const FaultReport& faults);
nlohmann::ordered_json faults_json(const FaultReport& faults);

// A file with a JSON object per line: each failed attempt, each range of quarantined items, the
// end.
class JobLog {
 public:
  // Errors: kInvalid if the file cannot be written.
  explicit JobLog(const std::filesystem::path& path);
  // Errors: kResources if it cannot be written any more.
  void write(const Result& result);

 private:
  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace gristmill::cli
