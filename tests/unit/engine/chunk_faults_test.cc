#include "engine/chunk_faults.h"

#include <gtest/gtest.h>

namespace gristmill::engine {
namespace {

TEST(ChunkFaultsTest, AChunkIsGivenUpAfterItsRetries) {
  ChunkFaults faults(2);
  for (int attempt = 1; attempt <= 3; ++attempt) {
    const ChunkFaults::Verdict verdict = faults.blame(5, FaultCause::kSignal);
    EXPECT_EQ(verdict.attempt, attempt);
    EXPECT_EQ(verdict.given_up, attempt == 3);
  }
  EXPECT_FALSE(faults.blame(6, FaultCause::kExit).given_up) << "another chunk";
}

TEST(ChunkFaultsTest, WithoutRetriesTheFirstAttemptIsTheLast) {
  EXPECT_TRUE(ChunkFaults(0).blame(1, FaultCause::kTimeout).given_up);
}

TEST(ChunkFaultsTest, KillsFromOutsideHaveABudgetOfTheirOwn) {
  ChunkFaults faults(0);
  for (int i = 1; i < ChunkFaults::kMostKills; ++i) {
    const FaultCause cause = i % 2 == 0 ? FaultCause::kKilled : FaultCause::kOutOfMemory;
    EXPECT_FALSE(faults.blame(1, cause).given_up) << i;
  }
  EXPECT_TRUE(faults.blame(1, FaultCause::kKilled).given_up);
}

TEST(ChunkFaultsTest, WhatTheKernelRefusesIsNotTriedAgain) {
  EXPECT_TRUE(ChunkFaults(9).blame(1, FaultCause::kError).given_up);
}

}  // namespace
}  // namespace gristmill::engine
