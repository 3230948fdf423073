#include "engine/memory_output.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/support/error_of.h"

namespace gristmill::engine {
namespace {

TEST(MemoryOutputTest, ShowsWhatIsWrittenInPlace) {
  MemoryOutput output("index", DType::kInt64, {4});
  EXPECT_EQ(output.name(), "index");
  EXPECT_EQ(output.size_bytes(), 32);
  EXPECT_EQ(output.offset_bytes(), 0);
  EXPECT_TRUE(output.path().empty());
  const ipc::WritableMapping mapping(output.fd(), output.offset_bytes(), output.size_bytes());
  const std::int64_t value = -1;
  std::memcpy(mapping.data() + 8, &value, sizeof value);
  output.publish();
  EXPECT_EQ(output.view().as<std::int64_t>()[0], 0);
  EXPECT_EQ(output.view().as<std::int64_t>()[1], -1);
}

TEST(MemoryOutputTest, SizeCannotBeChangedByAWorker) {
  const MemoryOutput output("index", DType::kInt64, {4});
  EXPECT_TRUE(ipc::has_fixed_size(output.fd()));
}

TEST(MemoryOutputTest, NoItemsAreAnEmptyArray) {
  const MemoryOutput output("index", DType::kInt64, {0, 3});
  EXPECT_TRUE(output.view().as<std::int64_t>().empty());
}

TEST(MemoryOutputTest, ImpossibleShapesAreRefused) {
  const Error error = test::error_of([] { MemoryOutput("index", DType::kInt64, {-1}); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalid);
  EXPECT_EQ(error.message(), "output \"index\" cannot have the shape -1");
  EXPECT_THROW(MemoryOutput("index", DType::kInt64, {INT64_MAX, 2}), Error);
  EXPECT_THROW(MemoryOutput("index", DType::kInt64, Shape(9, 1)), Error);
}

}  // namespace
}  // namespace gristmill::engine
