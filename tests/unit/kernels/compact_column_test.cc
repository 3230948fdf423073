#include "kernels/compact_column.h"

#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "bench/plugin_job.h"

namespace gristmill::kernels {
namespace {

using bench::array_of;

template <class T>
struct Table {
  Table(std::vector<T> of, std::int64_t columns)
      : values(std::move(of)),
        array(array_of(kernel::dtype_of<T>(), values.data(),
                       {static_cast<std::int64_t>(values.size()) / columns, columns})) {}
  kernel::Input input() const { return {"values", array}; }

  std::vector<T> values;
  gm_array array;
};

template <class T>
std::vector<T> elements_of(const CompactColumn& column, std::size_t count) {
  EXPECT_EQ(column.dtype(), kernel::dtype_of<T>());
  std::vector<T> elements;
  for (std::size_t i = 0; i < count; ++i) {
    elements.push_back(
        static_cast<const T*>(column.elements())[static_cast<std::int64_t>(i) * column.stride()]);
  }
  return elements;
}

TEST(CompactColumnTest, WholeNumbersGetTheNarrowestDtype) {
  const Table<std::int64_t> table({1, -128, 300, 2, 127, -32768, 3, 0, 32767, 4, 5, 6}, 3);
  const CompactColumn first(table.input(), 0);
  EXPECT_EQ(elements_of<std::int8_t>(first, 4), (std::vector<std::int8_t>{1, 2, 3, 4}));
  EXPECT_EQ(first.magnitude(), 4u);
  const CompactColumn second(table.input(), 1);
  EXPECT_EQ(elements_of<std::int8_t>(second, 4), (std::vector<std::int8_t>{-128, 127, 0, 5}));
  EXPECT_EQ(second.magnitude(), 128u);
  const CompactColumn third(table.input(), 2);
  EXPECT_EQ(elements_of<std::int16_t>(third, 4),
            (std::vector<std::int16_t>{300, -32768, 32767, 6}));
  EXPECT_EQ(third.stride(), 1);
  EXPECT_EQ(third.magnitude(), 32768u);
}

TEST(CompactColumnTest, NumbersThatNeedTheirDtypeKeepIt) {
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  const Table<std::uint64_t> wide({kMost, 0, 1, 0}, 2);
  const CompactColumn column(wide.input(), 0);
  EXPECT_EQ(elements_of<std::uint64_t>(column, 2), (std::vector<std::uint64_t>{kMost, 1}));
  EXPECT_EQ(column.magnitude(), kMost);
  const Table<std::int64_t> least({std::numeric_limits<std::int64_t>::min()}, 1);
  EXPECT_EQ(CompactColumn(least.input(), 0).magnitude(), std::uint64_t{1} << 63);
}

TEST(CompactColumnTest, UnsignedNumbersBecomeSignedOnesWhereThatSavesMemory) {
  const Table<std::uint16_t> small({127, 0}, 1);
  elements_of<std::int8_t>(CompactColumn(small.input(), 0), 2);
  const Table<std::uint16_t> larger({128, 0}, 1);
  elements_of<std::uint16_t>(CompactColumn(larger.input(), 0), 2);
}

TEST(CompactColumnTest, AColumnThatIsCompactAlreadyIsNotCopied) {
  const Table<std::int8_t> bytes({1, 2, 3}, 1);
  EXPECT_EQ(CompactColumn(bytes.input(), 0).elements(), bytes.values.data());
  const Table<float> numbers({1, 2, 3}, 1);
  EXPECT_EQ(CompactColumn(numbers.input(), 0).elements(), numbers.values.data());
}

TEST(CompactColumnTest, FloatingPointColumnsAreLaidSideBySide) {
  const Table<double> table({1.5, 2.5, 3.5, 4.5}, 2);
  const CompactColumn column(table.input(), 1);
  EXPECT_EQ(elements_of<double>(column, 2), (std::vector<double>{2.5, 4.5}));
  EXPECT_EQ(column.stride(), 1);
}

TEST(CompactColumnTest, WhatIsTooLargeToBeCopiedStaysWhereItIs) {
  const Table<std::int8_t> table(std::vector<std::int8_t>(2 * (CompactColumn::kCopyBytes + 1), 1),
                                 2);
  const CompactColumn column(table.input(), 1);
  EXPECT_EQ(column.elements(), table.values.data() + 1);
  EXPECT_EQ(column.stride(), 2);
  EXPECT_EQ(column.magnitude(), 1u);
}

}  // namespace
}  // namespace gristmill::kernels
