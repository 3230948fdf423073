#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <vector>

#include <gristmill/job.h>
#include <gristmill/result.h>

#include "tests/support/temporary_folder.h"

namespace gristmill::test {

// A job of the kernel log_visits, and the file to which each run of a range adds itself.
class VisitLog {
 public:
  VisitLog() { folder_.write("log", ""); }

  JobSpec spec(std::int64_t items, ChunkSize chunk_size) const {
    return {.kernel = "log_visits",
            .params = {{"items", items}, {"log", (folder_ / "log").string()}},
            .chunk_size = chunk_size};
  }

  // Fails the test unless each item of the result was run once, and in no other job of this log.
  void check(const Result& result) const {
    std::ifstream file(folder_ / "log", std::ios::binary);
    std::vector<std::array<std::int64_t, 2>> ranges;
    for (std::array<std::int64_t, 2> range{};
         file.read(reinterpret_cast<char*>(range.data()), sizeof range);) {
      ranges.push_back(range);
    }
    std::sort(ranges.begin(), ranges.end());
    std::int64_t next = 0;
    for (const auto& [begin, end] : ranges) {
      ASSERT_EQ(begin, next);
      next = end;
    }
    ASSERT_EQ(next, result.summary().plan.items);
    std::int64_t expected = 0;
    for (const std::int64_t item : result.array("item").as<std::int64_t>()) {
      ASSERT_EQ(item, expected++);
    }
  }

 private:
  TemporaryFolder folder_;
};

}  // namespace gristmill::test
