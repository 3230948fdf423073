#include "tests/fault/chaos/traces.h"

#include <fcntl.h>

#include <algorithm>
#include <fstream>

#include "ipc/unique_fd.h"
#include "tests/support/leak_oracle.h"
#include "tests/support/process_table.h"

namespace gristmill::chaos {
namespace {

// Of whatever process.
std::set<std::string> named_sockets() {
  std::set<std::string> names;
  std::ifstream sockets("/proc/net/unix");
  for (std::string line; std::getline(sockets, line);) {
    if (line.find("gristmill") != std::string::npos) names.insert(line);
  }
  return names;
}

bool knows_files_without_names(const std::filesystem::path& folder) {
  const ipc::UniqueFd file(open(folder.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
  return static_cast<bool>(file);
}

}  // namespace

Traces Traces::now() {
  return {test::Belongings::now().shared_names, named_sockets(),
          unfinished_files_in(std::filesystem::temp_directory_path())};
}

std::int64_t unfinished_files_in(const std::filesystem::path& folder) {
  const std::vector<std::string> names = test::entries_of(folder);
  return std::count_if(names.begin(), names.end(), [](const std::string& name) {
    return name.find(".gristmill-") != std::string::npos;
  });
}

void TraceTally::add(const Traces& before, const Traces& after,
                     const std::filesystem::path& outputs) {
  shared_names_ += before.shared_names != after.shared_names ? 1 : 0;
  const bool socket_left = !std::includes(before.sockets.begin(), before.sockets.end(),
                                          after.sockets.begin(), after.sockets.end());
  sockets_ += socket_left ? 1 : 0;
  temporary_files_ += after.temporary_files > before.temporary_files ? 1 : 0;
  unfinished_outputs_ += unfinished_files_in(outputs) > 0 ? 1 : 0;
}

void TraceTally::report_to(StormReport& report) const {
  const auto none_of = [&](const char* what, std::int64_t count) {
    report.expect(what, static_cast<double>(count), Figure::Bound::kEqual, 0);
  };
  none_of("with a name in /dev/shm", shared_names_);
  none_of("with a named socket", sockets_);
  none_of("with a file among the temporary ones", temporary_files_);
  const bool none = knows_files_without_names(std::filesystem::temp_directory_path());
  report.expect("with an unfinished file beside its output",
                static_cast<double>(unfinished_outputs_),
                none ? Figure::Bound::kEqual : Figure::Bound::kNone, 0);
}

}  // namespace gristmill::chaos
