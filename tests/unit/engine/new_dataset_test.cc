#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <numeric>

#include <gristmill/dataset.h>

#include "engine/dataset_storage.h"
#include "ipc/pages.h"
#include "ipc/segment.h"
#include "tests/support/error_of.h"

namespace gristmill {
namespace {

using testing::HasSubstr;

TEST(NewDatasetTest, WhatWasWrittenIsTheDataset) {
  NewDataset rows = Dataset::create(DType::kFloat64, {1000, 300});
  const auto values = rows.as<double>();
  ASSERT_EQ(values.size(), 300'000U);
  EXPECT_TRUE(std::all_of(values.begin(), values.end(), [](double v) { return v == 0; }));
  std::iota(values.begin(), values.end(), 0.5);
  EXPECT_EQ(rows.view().as<double>()[7], 7.5);
  const Dataset dataset = std::move(rows).seal();
  EXPECT_EQ(dataset.shape(), (Shape{1000, 300}));
  EXPECT_EQ(dataset.dtype(), DType::kFloat64);
  EXPECT_EQ(dataset.view().as<double>()[299'999], 299'999.5);
  EXPECT_TRUE(dataset.path().empty());
}

TEST(NewDatasetTest, IsSealedByTheKernelAndNoWritableMappingIsLeft) {
  NewDataset rows = Dataset::create(DType::kUInt8, {5 << 20});
  void* const address = rows.data();
  const Dataset dataset = std::move(rows).seal();
  const int fd = dataset.storage()->place().fd;
  EXPECT_TRUE(ipc::is_sealed(fd));
  EXPECT_TRUE(dataset.storage()->is_sealed());
  EXPECT_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
  EXPECT_EQ(mmap(nullptr, 4096, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
  EXPECT_EQ(mprotect(address, 4096, PROT_READ | PROT_WRITE), -1);
}

TEST(NewDatasetTest, ItsPagesAreThereBeforeTheyAreTouched) {
  constexpr std::int64_t kBytes = 4 * ipc::kHugePageBytes + 12'345;
  NewDataset rows = Dataset::create(DType::kUInt8, {kBytes});
  std::vector<unsigned char> resident(kBytes / 4096 + 1);
  ASSERT_EQ(mincore(rows.data(), kBytes, resident.data()), 0);
  EXPECT_TRUE(std::all_of(resident.begin(), resident.end(), [](auto page) { return page & 1; }));
}

TEST(NewDatasetTest, ElementsOfAnotherTypeAreRefused) {
  NewDataset rows = Dataset::create(DType::kInt32, {4});
  EXPECT_EQ(test::error_of([&] { rows.as<float>(); }).code(), ErrorCode::kInvalid);
}

TEST(NewDatasetTest, MayBeEmptyAndMayBeAScalar) {
  EXPECT_EQ(Dataset::create(DType::kInt8, {0, 3}).seal().size_bytes(), 0);
  NewDataset scalar = Dataset::create(DType::kInt64, {});
  scalar.as<std::int64_t>()[0] = -1;
  EXPECT_EQ(std::move(scalar).seal().view().as<std::int64_t>()[0], -1);
}

TEST(NewDatasetTest, ImpossibleShapesAreRefused) {
  for (const Shape& shape : {Shape{-1}, Shape{INT64_MAX, 2}, Shape(9, 1)}) {
    const Error error = test::error_of([&] { Dataset::create(DType::kInt64, shape); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalid);
    EXPECT_THAT(error.message(), HasSubstr("a dataset cannot have the shape " + to_string(shape)));
  }
}

TEST(NewDatasetTest, WithoutMemoryForItBothNumbersAreTold) {
  const Error error =
      test::error_of([] { Dataset::create(DType::kFloat64, {std::int64_t{1} << 58}); });
  EXPECT_EQ(error.code(), ErrorCode::kResources);
  EXPECT_EQ(error.message(),
            "could not reserve a dataset of 288230376151711744 x float64: not enough memory");
  EXPECT_THAT(error.detail(), HasSubstr("were asked for and"));
}

TEST(NewDatasetTest, DroppedWithoutSealItLeavesNothing) {
  void* address = nullptr;
  {
    NewDataset rows = Dataset::create(DType::kUInt8, {1 << 22});
    NewDataset moved = std::move(rows);
    address = moved.data();
  }
  unsigned char resident = 0;
  EXPECT_EQ(mincore(address, 4096, &resident), -1) << "it is still mapped";
}

}  // namespace
}  // namespace gristmill
