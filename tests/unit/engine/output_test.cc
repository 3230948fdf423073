#include "engine/output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/reservation.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace gristmill::engine {
namespace {

JobPlan::OutputPlan plan(std::string name, std::int64_t length, std::filesystem::path path = {}) {
  return {std::move(name), DType::kUInt8, {length}, length, std::move(path)};
}

TEST(OutputTest, ReservesInMemoryAndInFiles) {
  const test::TemporaryFolder folder;
  const auto outputs = reserve_outputs({plan("a", 10), plan("b", 20, folder / "b.npy")}, true);
  ASSERT_EQ(outputs.size(), 2U);
  EXPECT_EQ(outputs[0]->name(), "a");
  EXPECT_TRUE(outputs[0]->path().empty());
  EXPECT_EQ(outputs[1]->path(), folder / "b.npy");
  for (const auto& output : outputs) output->publish();
  EXPECT_TRUE(std::filesystem::exists(folder / "b.npy"));
}

TEST(OutputTest, MemoryOfAllOutputsIsCountedTogether) {
  const std::int64_t available = available_memory_bytes("/").value();
  const std::int64_t most = available / 4 * 3;
  EXPECT_NO_THROW(reserve_outputs({plan("a", most)}, true));
  const Error error = test::error_of([&] {
    reserve_outputs({plan("a", most), plan("b", most)}, true);
  });
  EXPECT_EQ(error.code(), ErrorCode::kResources);
  EXPECT_EQ(error.message(), "could not reserve output \"a\", output \"b\": not enough memory");
  const Error huge = test::error_of([&] {
    reserve_outputs({plan("a", INT64_MAX), plan("b", INT64_MAX)}, true);
  });
  EXPECT_EQ(huge.code(), ErrorCode::kResources);
}

TEST(OutputTest, AllOrNone) {
  const test::TemporaryFolder folder;
  const Error error = test::error_of([&] {
    reserve_outputs({plan("a", 10, folder / "a.npy"), plan("b", 10, folder / "missing/b.npy")},
                    true);
  });
  EXPECT_EQ(error.code(), ErrorCode::kInvalid);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(OutputTest, RefusesAShapeThatIsNone) {
  EXPECT_EQ(test::error_of([] { reserve_outputs({plan("a", -1)}, true); }).code(),
            ErrorCode::kInvalid);
}

}  // namespace
}  // namespace gristmill::engine
