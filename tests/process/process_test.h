#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gristmill/engine.h>

#include "tests/support/environment_variable.h"
#include "tests/support/gate_folder.h"
#include "tests/support/process_table.h"
#include "tests/support/row_hash_job.h"
#include "tests/support/wait_until.h"

namespace gristmill::test {

// Engines with real worker processes and all the test plug-ins.
class ProcessTest : public testing::Test {
 protected:
  ProcessTest();

  static EngineOptions options_of(int workers);
  static std::unique_ptr<Engine> engine_of(int workers, std::filesystem::path program = {});

  // A job of the kernel misbehave with 100 items in chunks of 10, with these parameters.
  static JobSpec misbehaving(std::map<std::string, ParamValue> params);
  // It misbehaves like this at the item.
  static JobSpec misbehaving_at(std::int64_t item, const std::string& how);

  // Fails the test unless the result is a failure whose message has all these parts.
  static void expect_failure(const Result& result, const std::vector<std::string>& parts);

  // Fails the test unless this process and its children have about as many descriptors after more
  // runs as after a few.
  static void expect_no_more_descriptors(int few, int more, const std::function<void()>& run);

  // Fails the test unless the engine runs a job to its exact end on all its workers, and has
  // neither less nor more of them.
  static void expect_good_engine(Engine& engine);
};

}  // namespace gristmill::test
