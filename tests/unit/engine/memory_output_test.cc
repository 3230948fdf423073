#include "engine/memory_output.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/support/error_of.h"

namespace gristmill::engine {
namespace {

std::shared_ptr<const PooledSegment> segment() {
  return std::make_shared<const PooledSegment>(std::int64_t{1} << 21);
}

MemoryOutput output_of(Shape shape) {
  return {"index", DType::kInt64, std::move(shape), segment(), 64};
}

TEST(MemoryOutputTest, ShowsWhatIsWrittenInPlace) {
  MemoryOutput output = output_of({4});
  EXPECT_EQ(output.name(), "index");
  EXPECT_EQ(output.size_bytes(), 32);
  const PlacedArray place = output.place();
  EXPECT_EQ(place.array_offset, 64);
  EXPECT_FALSE(place.sealed);
  EXPECT_TRUE(output.path().empty());
  const ipc::WritableMapping mapping(place.fd, place.range_offset, place.range_bytes);
  const std::int64_t value = -1;
  std::memcpy(mapping.data() + place.array_offset + 8, &value, sizeof value);
  output.publish();
  EXPECT_EQ(output.view().as<std::int64_t>()[0], 0);
  EXPECT_EQ(output.view().as<std::int64_t>()[1], -1);
}

TEST(MemoryOutputTest, SizeCannotBeChangedByAWorker) {
  const MemoryOutput output = output_of({4});
  EXPECT_TRUE(ipc::has_fixed_size(output.place().fd));
}

TEST(MemoryOutputTest, OutputsOfOneSegmentLieApartUnderOneName) {
  const auto shared = segment();
  const MemoryOutput first("a", DType::kInt64, {4}, shared, 0);
  const MemoryOutput second("b", DType::kInt64, {4}, shared, 64);
  EXPECT_EQ(first.place().memory, second.place().memory);
  EXPECT_EQ(second.place().array_offset - first.place().array_offset, 64);
}

TEST(MemoryOutputTest, NoItemsAreAnEmptyArray) {
  const MemoryOutput output = output_of({0, 3});
  EXPECT_TRUE(output.view().as<std::int64_t>().empty());
}

TEST(MemoryOutputTest, ImpossibleShapesAreRefused) {
  const Error error = test::error_of([] { output_of({-1}); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalid);
  EXPECT_EQ(error.message(), "output \"index\" cannot have the shape -1");
  EXPECT_THROW(output_of({INT64_MAX, 2}), Error);
  EXPECT_THROW(output_of(Shape(9, 1)), Error);
}

}  // namespace
}  // namespace gristmill::engine
