#include "tests/fault/fault_test.h"

namespace gristmill::test {

std::unique_ptr<Engine> FaultTest::fault_engine(int workers, std::int64_t worker_memory_bytes) {
  EngineOptions options = options_of(workers);
  options.plugins.push_back(test_plugin("gristmill-test-faults"));
  options.worker_memory_bytes = worker_memory_bytes;
  return std::make_unique<Engine>(std::move(options));
}

JobSpec FaultTest::fault_at(std::int64_t item, const std::string& how, const std::string& folder) {
  return {.kernel = "fault",
          .params = {{"items", kItems}, {"at", item}, {"how", how}, {"folder", folder}},
          .chunk_size = ChunkSize::items(kChunkItems)};
}

JobSpec FaultTest::skipped_fault(const std::string& how, const std::string& folder) {
  JobSpec spec = fault_at(kItem, how, folder);
  spec.faults.on_error = OnError::kSkip;
  spec.faults.retries = 1;
  spec.faults.chunk_timeout = std::chrono::milliseconds(300);
  return spec;
}

void FaultTest::expect_convicted(const Result& result, FaultCause cause) {
  ASSERT_TRUE(result.done()) << result.error()->message();
  const FaultReport& faults = result.summary().faults;
  ASSERT_EQ(faults.quarantined.size(), 1U);
  EXPECT_EQ(faults.quarantined[0].chunk, kChunk);
  for (const FailedAttempt& attempt : faults.attempts) {
    EXPECT_EQ(attempt.chunk, kChunk);
    EXPECT_EQ(attempt.cause, cause) << name_of(attempt.cause) << ", it " << attempt.what;
  }
  const auto hashes = result.array().as<std::int64_t>();
  for (std::int64_t item = 0; item < kItems; ++item) {
    const bool filled = item / kChunkItems == kChunk;
    ASSERT_EQ(hashes[static_cast<std::size_t>(item)], filled ? 0 : item_hash(item, {}, 1)) << item;
  }
}

void FaultTest::expect_exact(const Result& result) {
  ASSERT_TRUE(result.done()) << result.error()->message();
  EXPECT_TRUE(result.summary().faults.quarantined.empty());
  const auto hashes = result.array().as<std::int64_t>();
  for (std::int64_t item = 0; item < kItems; ++item) {
    ASSERT_EQ(hashes[static_cast<std::size_t>(item)], item_hash(item, {}, 1)) << item;
  }
}

}  // namespace gristmill::test
