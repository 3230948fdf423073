#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gristmill::test {

// What a test may leave neither more nor less of.
struct Belongings {
  std::vector<std::string> descriptors;  // "3 -> /path"
  std::vector<std::string> threads;
  std::vector<std::string> children;      // zombies too
  std::vector<std::string> mappings;      // of shared memory
  std::vector<std::string> shared_names;  // of this project, in /dev/shm

  static Belongings now();
  // The differences, a line each; empty if there are none.
  static std::string compare(const Belongings& before, const Belongings& after);
};

// Compares before and after each test, and fails the test for a difference. What a fixture makes
// for all its tests is there before the first.
class LeakOracle : public testing::EmptyTestEventListener {
 public:
  void OnTestStart(const testing::TestInfo& test) override;
  void OnTestEnd(const testing::TestInfo& test) override;

 private:
  Belongings before_;
};

}  // namespace gristmill::test
