#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace gristmill::test {

// The test's side of tests/plugins/gate.h: where kernels announce themselves and wait.
class GateFolder {
 public:
  std::string path() const { return folder_.path().string(); }
  // Lets all kernels go on.
  void open() const { folder_.write("go", ""); }

  // The workers that have announced the item, one entry each time and worker.
  std::vector<pid_t> workers_at(std::int64_t item) const;
  // How many announcements there were, of any item.
  std::size_t announcements() const;
  // Waits for the first worker to announce the item.
  pid_t wait_for_worker_at(std::int64_t item) const;

 private:
  TemporaryFolder folder_;
};

}  // namespace gristmill::test
