// Bins and the loops over values, in each instruction set that this CPU has.

#include "kernels/binning.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gristmill/kernel.hpp>

#include "kernels/instruction_set.h"

namespace gristmill::kernels {
namespace {

using testing::ElementsAre;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const kernel::Invalid& error) {
    return error.what();
  }
  return "accepted";
}

TEST(BinsTest, EdgesAreThoseOfNumPy) {
  // numpy.histogram_bin_edges([], 3, (0.1, 0.4)), and of float32.
  const Bins wide = make_bins(3, 0.1, 0.4, GM_FLOAT64);
  EXPECT_EQ(edge(wide, 0), 0.1);
  EXPECT_EQ(edge(wide, 1), 0.2);
  EXPECT_EQ(edge(wide, 2), 0.30000000000000004);
  EXPECT_EQ(edge(wide, 3), 0.4);
  const Bins narrow = make_bins(3, 0.1, 0.4, GM_FLOAT32);
  for (int i = 0; i <= 3; ++i) {
    EXPECT_EQ(edge(narrow, i), static_cast<double>(static_cast<float>(edge(wide, i))));
  }
}

TEST(BinsTest, ARangeBeyondFloat32HasEdgesOfFloat64) {
  EXPECT_EQ(make_bins(2, 0, 1e39, GM_FLOAT32).last, 1e39);
}

TEST(BinsTest, ImpossibleBinsAreRefused) {
  const auto refused = [](std::int64_t count, double low, double high,
                          gm_dtype dtype = GM_FLOAT64) {
    return refusal([&] { make_bins(count, low, high, dtype); });
  };
  EXPECT_EQ(refused(0, 0, 1), "parameter \"bins\" is 0, not from 1 to 1073741824");
  EXPECT_EQ(refused(kMostBins + 1, 0, 1),
            "parameter \"bins\" is 1073741825, not from 1 to 1073741824");
  EXPECT_EQ(refused(1, -kInf, 1), "parameter \"low\" is -inf, which is not finite");
  EXPECT_EQ(refused(1, 0, kNan), "parameter \"high\" is nan, which is not finite");
  EXPECT_EQ(refused(1, 2, 0.5), "parameter \"low\" is 2, not below \"high\", 0.5");
  EXPECT_EQ(refused(1, 2, 2), "parameter \"low\" is 2, not below \"high\", 2");
}

TEST(BinsTest, BinsWithoutEdgesOfTheirOwnAreRefused) {
  const double next = std::nextafter(1.0, 2.0);
  EXPECT_EQ(make_bins(1, 1, next, GM_FLOAT64).last, next);
  EXPECT_THROW(make_bins(2, 1, next, GM_FLOAT64), kernel::Invalid);
  EXPECT_EQ(refusal([] { make_bins(10, 1, 1.0000001, GM_FLOAT32); }),
            "10 bins from 1 to 1.0000001 have no edges in float32");
  EXPECT_NO_THROW(make_bins(10, 1, 1.0000001, GM_FLOAT64));
  EXPECT_THROW(make_bins(2, -1.7e308, 1.7e308, GM_FLOAT64), kernel::Invalid);
  EXPECT_THROW(make_bins(2, 0, 1e-320, GM_FLOAT64), kernel::Invalid);
  EXPECT_NO_THROW(make_bins(1 << 24, 0, 1, GM_FLOAT32));
  EXPECT_THROW(make_bins((1 << 24) + 4096, 0, 1, GM_FLOAT32), kernel::Invalid);
}

// The bin by its definition, or -1.
std::int64_t bin_of(const Bins& bins, double x) {
  if (!(x >= bins.first && x <= bins.last)) return -1;
  std::int64_t low = 0;
  std::int64_t high = bins.count;
  while (high - low > 1) {
    const std::int64_t middle = (low + high) / 2;
    (x >= edge(bins, middle) ? low : high) = middle;
  }
  return low;
}

struct Counted {
  std::vector<std::int64_t> counts;
  std::int64_t outside;
  bool operator==(const Counted&) const = default;
};

template <class T>
Counted expected_counts(const Bins& bins, const std::vector<T>& values) {
  Counted expected{std::vector<std::int64_t>(static_cast<std::size_t>(bins.count)), 0};
  for (const T value : values) {
    const std::int64_t bin = bin_of(bins, static_cast<double>(value));
    ++(bin < 0 ? expected.outside : expected.counts[static_cast<std::size_t>(bin)]);
  }
  return expected;
}

class BinningTest : public testing::TestWithParam<const BinningLoops*> {
 protected:
  template <class T>
  static Counted counted(const Bins& bins, const std::vector<T>& values) {
    const BinnedValues all{values.data(), 1, static_cast<std::int64_t>(values.size())};
    std::vector<std::int64_t> tally(static_cast<std::size_t>(tally_words(bins.count)));
    GetParam()->add[kernel::dtype_of<T>()](bins, all, {nullptr, 0, 1}, tally.data());
    Counted found{std::vector<std::int64_t>(static_cast<std::size_t>(bins.count)), tally[0]};
    for_each_word(bins,
                  [&](std::size_t bin, std::size_t word) { found.counts[bin] += tally[word]; });
    return found;
  }

  template <class T, class W>
  static std::vector<double> weighed(const Bins& bins, const std::vector<T>& values,
                                     const std::vector<W>& weights, std::int64_t repeat) {
    const BinnedValues all{values.data(), 1, static_cast<std::int64_t>(values.size())};
    std::vector<double> tally(static_cast<std::size_t>(tally_words(bins.count)));
    GetParam()->add[kernel::dtype_of<T>()](
        bins, all, {weights.data(), kernel::dtype_of<W>(), repeat}, tally.data());
    std::vector<double> sums(static_cast<std::size_t>(bins.count));
    for_each_word(bins, [&](std::size_t bin, std::size_t word) { sums[bin] += tally[word]; });
    return sums;
  }

 private:
  template <class Add>
  static void for_each_word(const Bins& bins, const Add& add) {
    const TallyLayout layout = tally_layout(bins.count);
    for (int copy = 0; copy < layout.copies; ++copy) {
      for (std::int64_t bin = 0; bin < bins.count; ++bin) {
        add(static_cast<std::size_t>(bin),
            static_cast<std::size_t>(kTallyHeader + copy * layout.stride + bin));
      }
    }
  }
};

// Edges, what is next to them, and anything around.
template <class T>
std::vector<T> awkward_values(const Bins& bins) {
  std::mt19937_64 random(static_cast<std::uint64_t>(bins.count));
  std::uniform_real_distribution<double> around(bins.first - 2 * bins.step,
                                                bins.last + 2 * bins.step);
  std::vector<T> values;
  for (int i = 0; i < 1000; ++i) values.push_back(static_cast<T>(around(random)));
  for (std::int64_t i = 0; i <= bins.count; i += std::max(bins.count / 500, 1)) {
    const auto on = static_cast<T>(edge(bins, i));
    values.insert(values.end(), {on, std::nextafter(on, std::numeric_limits<T>::max()),
                                 std::nextafter(on, std::numeric_limits<T>::lowest())});
  }
  values.insert(values.end(), {static_cast<T>(kNan), static_cast<T>(kInf), static_cast<T>(-kInf)});
  return values;
}

TEST_P(BinningTest, EachValueIsBetweenTheEdgesOfItsBin) {
  struct Range {
    std::int64_t count;
    double low;
    double high;
  };
  for (const Range& range :
       {Range{1, 0, 1}, Range{10, 0, 1}, Range{3, 0.1, 0.4}, Range{1000, -0.1, 0.7},
        Range{513, 1.0 / 3, 2.0 / 3}, Range{100'000, -1e-3, 1e3}, Range{7, -1e30, 1e30},
        Range{1 << 22, 0, 1}, Range{4, 1, 1 + 0x1p-21}, Range{11, 16777216, 16777246}}) {
    SCOPED_TRACE(testing::Message() << range.count << " from " << range.low);
    const Bins wide = make_bins(range.count, range.low, range.high, GM_FLOAT64);
    const auto doubles = awkward_values<double>(wide);
    EXPECT_EQ(counted(wide, doubles), expected_counts(wide, doubles));
    const Bins narrow = make_bins(range.count, range.low, range.high, GM_FLOAT32);
    const auto floats = awkward_values<float>(narrow);
    EXPECT_EQ(counted(narrow, floats), expected_counts(narrow, floats));
  }
}

TEST_P(BinningTest, BinsAsNarrowAsTheirEdgesAllow) {
  const double high = 1 + 37 * 0x1p-52;
  for (const std::int64_t count : {37, 36, 30, 20}) {
    SCOPED_TRACE(count);
    const std::string whether = refusal([&] { make_bins(count, 1, high, GM_FLOAT64); });
    ASSERT_EQ(whether, "accepted");
    const Bins bins = make_bins(count, 1, high, GM_FLOAT64);
    const auto values = awkward_values<double>(bins);
    EXPECT_EQ(counted(bins, values), expected_counts(bins, values));
  }
}

template <class T>
std::vector<T> any_numbers(std::size_t count) {
  std::mt19937_64 random(count);
  std::vector<T> numbers(count);
  for (T& number : numbers) number = static_cast<T>(random());
  return numbers;
}

TEST_P(BinningTest, WholeNumbersOfAllSizes) {
  const auto check = []<class T>(T) {
    using Limits = std::numeric_limits<T>;
    std::vector<T> values = any_numbers<T>(5003);
    values.insert(values.end(), {Limits::lowest(), Limits::max(), T{0}, T{1}, T{2}});
    for (const auto& [low, high] :
         {std::pair{static_cast<double>(Limits::lowest()), static_cast<double>(Limits::max())},
          {0.0, 100.0},
          {0.5, 1.5}}) {
      for (const std::int64_t count : {1, 10, 256, 1000}) {
        const Bins bins = make_bins(count, low, high, kernel::dtype_of<T>());
        EXPECT_EQ(counted(bins, values), expected_counts(bins, values))
            << kernel::dtype_name(kernel::dtype_of<T>()) << " in " << count;
      }
    }
  };
  for (const gm_dtype dtype :
       {GM_INT8, GM_INT16, GM_INT32, GM_INT64, GM_UINT8, GM_UINT16, GM_UINT32, GM_UINT64}) {
    kernel::dispatch(dtype, check);
  }
}

TEST_P(BinningTest, AnyNumberOfValuesIsCounted) {
  const Bins bins = make_bins(5, 0, 1, GM_FLOAT64);
  for (std::size_t count = 0; count < 40; ++count) {
    EXPECT_EQ(counted(bins, std::vector<double>(count, 0.5)).counts[2],
              static_cast<std::int64_t>(count));
    EXPECT_EQ(counted(bins, std::vector<double>(512 + count, 2.5)).outside,
              static_cast<std::int64_t>(512 + count));
  }
}

TEST_P(BinningTest, ValuesApartAreThoseOfAColumn) {
  const Bins bins = make_bins(4, 0, 4, GM_INT16);
  std::vector<std::int16_t> table(3 * 1000);
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<std::int16_t>(i % 3);
  std::vector<std::int64_t> tally(static_cast<std::size_t>(tally_words(4)));
  GetParam()->add[GM_INT16](bins, {table.data() + 1, 3, 1000}, {nullptr, 0, 1}, tally.data());
  std::int64_t in_second = 0;
  for (int copy = 0; copy < tally_layout(4).copies; ++copy) {
    in_second += tally[static_cast<std::size_t>(kTallyHeader + copy * tally_layout(4).stride + 1)];
  }
  EXPECT_EQ(in_second, 1000);
}

TEST_P(BinningTest, WeightsAreAddedInsteadOfOnes) {
  const Bins bins = make_bins(2, 0, 2, GM_FLOAT64);
  EXPECT_THAT(weighed<double>(bins, {0, 1, 1.5, 3, kNan}, std::vector<double>{1, 10, 0.5, 7, 9}, 1),
              ElementsAre(1, 10.5));
  EXPECT_THAT(weighed<double>(bins, {0, 1, 1.5, 0.5, 0, 9}, std::vector<float>{1, 10, 100}, 2),
              ElementsAre(1 + 10 + 100, 1 + 10));
}

TEST_P(BinningTest, WeightsHaveTheBitsOfTheBaseline) {
  const std::vector<std::int32_t> values = any_numbers<std::int32_t>(10'007);
  std::vector<double> weights;
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  while (weights.size() < values.size()) weights.push_back(normal(random));
  for (const std::int64_t count : {3, 512, 513}) {
    const Bins bins = make_bins(count, -0x1p31, 0x1p31, GM_INT32);
    std::vector<double> tallies[2];
    for (const auto& [loops, i] : {std::pair{GetParam(), 0}, {&kBinningBaseline, 1}}) {
      tallies[i].resize(static_cast<std::size_t>(tally_words(count)));
      loops->add[GM_INT32](bins, {values.data(), 1, 10'007}, {weights.data(), GM_FLOAT64, 1},
                           tallies[i].data());
    }
    EXPECT_EQ(std::memcmp(tallies[0].data(), tallies[1].data(), tallies[0].size() * 8), 0);
  }
}

TEST_P(BinningTest, DtypesWithoutAnOrderAreLeftOut) {
  for (const gm_dtype dtype : {GM_BOOL, GM_FLOAT16, GM_COMPLEX64, GM_COMPLEX128}) {
    EXPECT_EQ(GetParam()->add[dtype], nullptr);
  }
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, BinningTest,
                         testing::ValuesIn(supported_binning().begin(), supported_binning().end()),
                         [](const auto& suite) {
                           const std::string name = suite.param->instruction_set;
                           return name.substr(name.rfind('-') + 1);
                         });

}  // namespace
}  // namespace gristmill::kernels
