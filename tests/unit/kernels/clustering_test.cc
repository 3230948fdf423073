// Nearest centroids and sums by them, in each instruction set that this CPU has.

#include "kernels/clustering.h"

#include <algorithm>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <gristmill/kernel.hpp>

#include "kernels/cluster_sums.h"
#include "kernels/instruction_set.h"
#include "tests/unit/kernels/integer_types.h"

namespace gristmill::kernels {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// An accumulator.
using Words = std::vector<std::int64_t>;

struct Summed {
  std::vector<std::int64_t> counts;
  std::vector<double> means;
  double inertia;
  bool operator==(const Summed&) const = default;
};

template <class T>
struct Table {
  std::int64_t dimension;
  std::vector<T> values;

  std::int64_t rows() const { return static_cast<std::int64_t>(values.size()) / dimension; }
};

Summed result_of(const ClusterSums& sums, const Words& words, const Table<double>& centroids) {
  Summed result{{}, std::vector<double>(centroids.values.size()), sums.inertia(words.data())};
  const auto dimension = static_cast<std::size_t>(centroids.dimension);
  for (std::int64_t c = 0; c < centroids.rows(); ++c) {
    result.counts.push_back(sums.count(words.data(), c));
    sums.write_mean(
        words.data(), c,
        std::span(result.means).subspan(static_cast<std::size_t>(c) * dimension, dimension));
  }
  return result;
}

template <class T>
Words words_for(const Table<double>& centroids) {
  return Words(static_cast<std::size_t>(
      ClusterSums::words(kernel::dtype_of<T>(), centroids.rows(), centroids.dimension)));
}

template <class T>
Summed summed(const ClusteringLoops& loops, const Table<T>& points,
              const Table<double>& centroids) {
  ClusterSums sums(loops, kernel::dtype_of<T>(), centroids.values, centroids.dimension);
  Words words = words_for<T>(centroids);
  sums.add(points.values.data(), points.rows(), words.data());
  return result_of(sums, words, centroids);
}

template <class T>
double squared_distance(const T* point, const double* centroid, std::size_t dimension) {
  double squared = 0;
  for (std::size_t k = 0; k < dimension; ++k) {
    const double difference = static_cast<double>(point[k]) - centroid[k];
    squared += difference * difference;
  }
  return squared;
}

// By plain loops. Requires: coordinates so small that all sums are exact.
template <class T>
Summed expected(const Table<T>& points, const Table<double>& centroids) {
  const auto dimension = static_cast<std::size_t>(centroids.dimension);
  const auto count = static_cast<std::size_t>(centroids.rows());
  Summed result{Words(count), std::vector<double>(count * dimension), 0};
  for (std::size_t i = 0; i < points.values.size(); i += dimension) {
    double best = kInf;
    std::size_t nearest = 0;
    for (std::size_t c = 0; c < count; ++c) {
      const double squared =
          squared_distance(&points.values[i], &centroids.values[c * dimension], dimension);
      if (squared < best) nearest = c;
      best = std::min(best, squared);
    }
    ++result.counts[nearest];
    result.inertia += best;
    for (std::size_t k = 0; k < dimension; ++k) {
      result.means[nearest * dimension + k] += static_cast<double>(points.values[i + k]);
    }
  }
  for (std::size_t i = 0; i < result.means.size(); ++i) {
    const std::int64_t members = result.counts[i / dimension];
    result.means[i] =
        members == 0 ? centroids.values[i] : result.means[i] / static_cast<double>(members);
  }
  return result;
}

template <class T>
Table<T> small_numbers(std::int64_t rows, std::int64_t dimension) {
  std::mt19937_64 random(static_cast<std::uint64_t>(rows * dimension));
  Table<T> table{dimension, {}};
  for (std::int64_t i = 0; i < rows * dimension; ++i) {
    table.values.push_back(static_cast<T>(random() % 100));
  }
  return table;
}

class ClusteringTest : public testing::TestWithParam<const ClusteringLoops*> {
 protected:
  const ClusteringLoops& loops() const { return *GetParam(); }

  template <class T>
  void check_plain_loops() const {
    SCOPED_TRACE(kernel::dtype_name(kernel::dtype_of<T>()));
    for (const std::int64_t dimension : {1, 2, 3, 4, 15, 31, 32, 33, 39, 40, 41, 100}) {
      for (const std::int64_t rows : {0, 1, 3, 4, 15, 16, 17, 300}) {
        for (const std::int64_t count : {1, 2, 7}) {
          const auto points = small_numbers<T>(rows, dimension);
          const auto centroids = small_numbers<double>(count, dimension);
          EXPECT_EQ(summed(loops(), points, centroids), expected(points, centroids))
              << rows << " x " << dimension << ", " << count;
        }
      }
    }
  }

  template <class T>
  void check_merge() const {
    const auto points = small_numbers<T>(500, 5);
    const auto centroids = small_numbers<double>(4, 5);
    ClusterSums sums(loops(), kernel::dtype_of<T>(), centroids.values, 5);
    Words first = words_for<T>(centroids);
    Words second = words_for<T>(centroids);
    sums.add(points.values.data(), 123, first.data());
    sums.add(points.values.data() + 123 * 5, 377, second.data());
    sums.merge(first.data(), second.data());
    EXPECT_EQ(result_of(sums, first, centroids), expected(points, centroids));
  }
};

TEST_P(ClusteringTest, AnyDtypeAndDimensionMatchesPlainLoops) {
  test::for_each_integer_type([this]<class T>(T) { check_plain_loops<T>(); });
  check_plain_loops<float>();
  check_plain_loops<double>();
}

TEST_P(ClusteringTest, PartsMergeToTheWhole) {
  test::for_each_integer_type([this]<class T>(T) { check_merge<T>(); });
  check_merge<float>();
  check_merge<double>();
}

TEST_P(ClusteringTest, LargeWholeNumbersAreSummedExactly) {
  test::for_each_integer_type([this]<class T>(T) {
    constexpr T kMost = std::numeric_limits<T>::max();
    constexpr T kLeast = std::numeric_limits<T>::lowest();
    const Table<T> points{2, {kMost, kLeast, kMost, kLeast, kMost, kLeast}};
    const Summed result = summed(loops(), points, {2, {0, 0}});
    EXPECT_EQ(result.means[0], static_cast<double>(kMost));
    EXPECT_EQ(result.means[1], static_cast<double>(kLeast));
  });
}

TEST_P(ClusteringTest, TheFirstOfEquallyNearCentroidsIsTaken) {
  for (const std::int64_t dimension : {1, 2, 40}) {
    const auto size = static_cast<std::size_t>(dimension);
    Table<double> centroids{dimension, {}};
    for (const double coordinate : {4.0, 0.0, 2.0, 0.0}) {
      centroids.values.insert(centroids.values.end(), size, coordinate);
    }
    const Table<std::int32_t> points{dimension, std::vector<std::int32_t>(3 * size, 1)};
    EXPECT_EQ(summed(loops(), points, centroids).counts, (Words{0, 3, 0, 0}));
  }
}

TEST_P(ClusteringTest, APointWithoutAFiniteDistanceBelongsToNone) {
  for (const std::int64_t dimension : {2, 40}) {
    const auto size = static_cast<std::size_t>(dimension);
    Table<double> points{dimension, std::vector<double>(20 * size, 1)};
    points.values[3 * size + 1] = kNan;
    points.values[17 * size] = kInf;
    points.values[18 * size] = 1e200;
    Table<double> centroids{dimension, std::vector<double>(3 * size, 3)};
    centroids.values[0] = kNan;
    const Summed result = summed(loops(), points, centroids);
    EXPECT_EQ(result.counts, (Words{0, 17, 0}));
    EXPECT_EQ(result.means[size], 1);
    EXPECT_EQ(result.means[2 * size], 3) << "as it was";
    EXPECT_EQ(result.inertia, static_cast<double>(17 * 4 * dimension));
  }
}

TEST_P(ClusteringTest, FloatsHaveTheBitsOfTheBaseline) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  for (const std::int64_t dimension : {1, 2, 3, 9, 32, 33, 97}) {
    Table<double> points{dimension, {}};
    for (std::int64_t i = 0; i < 300 * dimension; ++i) points.values.push_back(normal(random));
    const Table<double> centroids{dimension,
                                  {points.values.begin(), points.values.begin() + 5 * dimension}};
    EXPECT_EQ(summed(loops(), points, centroids), summed(kClusteringBaseline, points, centroids));
  }
}

TEST_P(ClusteringTest, DtypesWithoutAnOrderAreLeftOut) {
  for (const gm_dtype dtype : {GM_BOOL, GM_FLOAT16, GM_COMPLEX64, GM_COMPLEX128}) {
    EXPECT_EQ(loops().find[dtype], nullptr);
    EXPECT_EQ(loops().add[dtype], nullptr);
  }
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, ClusteringTest,
                         testing::ValuesIn(supported_clustering().begin(),
                                           supported_clustering().end()),
                         [](const auto& suite) {
                           const std::string name = suite.param->instruction_set;
                           return name.substr(name.rfind('-') + 1);
                         });

}  // namespace
}  // namespace gristmill::kernels
