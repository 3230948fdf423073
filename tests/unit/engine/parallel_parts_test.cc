#include "engine/parallel_parts.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <csignal>
#include <stdexcept>
#include <thread>

namespace gristmill::engine {
namespace {

TEST(ParallelPartsTest, EachByteIsInOnePart) {
  for (const std::int64_t size : {0, 1, 9, 10, 11, 100}) {
    std::array<std::atomic<int>, 100> times{};
    for_each_part(size, 10, [&](std::int64_t begin, std::int64_t end) {
      EXPECT_EQ(begin % 10, 0);
      EXPECT_LE(end - begin, 10);
      for (std::int64_t i = begin; i < end; ++i) ++times.at(static_cast<std::size_t>(i));
    });
    for (std::int64_t i = 0; i < 100; ++i) {
      EXPECT_EQ(times.at(static_cast<std::size_t>(i)), i < size ? 1 : 0) << i << " of " << size;
    }
  }
}

TEST(ParallelPartsTest, OnePartIsForTheCallersThread) {
  std::thread::id by;
  for_each_part(10, 10, [&](std::int64_t, std::int64_t) { by = std::this_thread::get_id(); });
  EXPECT_EQ(by, std::this_thread::get_id());
}

TEST(ParallelPartsTest, AnExceptionReachesTheCallerAndNoPartIsBegunAfterIt) {
  std::atomic<int> calls = 0;
  EXPECT_THROW(for_each_part(1'000'000, 1,
                             [&](std::int64_t, std::int64_t) {
                               ++calls;
                               throw std::runtime_error("no");
                             }),
               std::runtime_error);
  EXPECT_LE(calls, 8) << "one for each thread at most";
}

TEST(ParallelPartsTest, ItsThreadsTakeNoSignalAndTheCallersMaskStays) {
  const auto takes = [](int signal) {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    return sigismember(&mask, signal) == 0;
  };
  ASSERT_TRUE(takes(SIGTERM));
  const std::thread::id caller = std::this_thread::get_id();
  for_each_part(1000, 1, [&](std::int64_t, std::int64_t) {
    EXPECT_EQ(takes(SIGTERM), std::this_thread::get_id() == caller);
  });
  EXPECT_TRUE(takes(SIGTERM));
}

}  // namespace
}  // namespace gristmill::engine
