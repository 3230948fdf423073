#pragma once

#include "tests/plugins/item_hash.h"
#include "tests/process/process_test.h"

namespace gristmill::test {

// Jobs of the kernel fault: 100 items in chunks of 10.
class FaultTest : public ProcessTest {
 protected:
  static constexpr std::int64_t kItems = 100;
  static constexpr std::int64_t kChunkItems = 10;
  // Item 35 is in chunk 3.
  static constexpr std::int64_t kItem = 35;
  static constexpr std::int64_t kChunk = 3;

  static std::unique_ptr<Engine> fault_engine(int workers, std::int64_t worker_memory_bytes = 0);
  static JobSpec fault_at(std::int64_t item, const std::string& how,
                          const std::string& folder = {});
  // The same in a job that goes on without what cannot be computed.
  static JobSpec skipped_fault(const std::string& how, const std::string& folder = {});

  // Fails the test unless chunk 3, and no other, was given up for this cause, and all other rows
  // are as if nothing had happened.
  static void expect_convicted(const Result& result, FaultCause cause);
  // Fails the test unless all rows are there.
  static void expect_exact(const Result& result);
};

}  // namespace gristmill::test
