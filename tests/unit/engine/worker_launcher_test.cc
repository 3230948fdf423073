#include "engine/worker_launcher.h"

#include <gtest/gtest.h>

#include <csignal>

namespace gristmill::engine {
namespace {

TEST(WorkerExitTest, NamesTheSignal) {
  EXPECT_EQ((WorkerExit{SIGSEGV, 0}).in_words(), "was killed by SIGSEGV");
  EXPECT_EQ((WorkerExit{SIGKILL, 0}).in_words(), "was killed by SIGKILL");
  EXPECT_EQ((WorkerExit{SIGRTMIN + 3, 0}).in_words(),
            "was killed by signal " + std::to_string(SIGRTMIN + 3));
}

TEST(WorkerExitTest, TellsTheExitCodeEvenIfItIsZero) {
  EXPECT_EQ((WorkerExit{0, 0}).in_words(), "ended with exit code 0");
  EXPECT_EQ((WorkerExit{0, 71}).in_words(), "ended with exit code 71");
}

TEST(WorkerExitTest, DoesNotGuess) {
  EXPECT_EQ((WorkerExit{0, 0, false}).in_words(), "ended for an unknown reason");
}

}  // namespace
}  // namespace gristmill::engine
