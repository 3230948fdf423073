// k-means: a loop of jobs on one warm engine, whose result is an input of the next job.
// usage: kmeans POINTS.npy CLUSTERS PASSES [LABELS.npy]
//   POINTS.npy: a point per row; the first CLUSTERS of them are the first centroids
//   LABELS.npy: the number of each point's centroid, to be written
// Lloyd's algorithm: S. P. Lloyd, Least squares quantization in PCM, IEEE Transactions on
// Information Theory 28 (1982).
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <gristmill/engine.h>

namespace {

struct Arguments {
  std::filesystem::path points;
  std::int64_t clusters;
  int passes;
  std::filesystem::path labels;  // empty: not wanted
};

template <class T>
void copy_first(const gristmill::Dataset& points, std::span<double> to) {
  const auto values = points.view().as<T>().first(to.size());
  std::copy(values.begin(), values.end(), to.begin());
}

// The first rows as float64, written where workers read them.
gristmill::Dataset first_centroids(const gristmill::Dataset& points, std::int64_t clusters) {
  const gristmill::Shape& shape = points.shape();
  if (shape.size() != 2 || clusters < 1 || clusters > shape[0]) {
    throw std::runtime_error(fmt::format("cannot make {} clusters of an array of {}", clusters,
                                         gristmill::to_string(shape)));
  }
  auto centroids = gristmill::Dataset::create(gristmill::DType::kFloat64, {clusters, shape[1]});
  switch (points.dtype()) {
    case gristmill::DType::kUInt8:
      copy_first<std::uint8_t>(points, centroids.as<double>());
      break;
    case gristmill::DType::kFloat32:
      copy_first<float>(points, centroids.as<double>());
      break;
    case gristmill::DType::kFloat64:
      copy_first<double>(points, centroids.as<double>());
      break;
    default:
      throw std::runtime_error("points must be uint8, float32 or float64");
  }
  return std::move(centroids).seal();
}

gristmill::Result run(gristmill::Engine& engine, gristmill::JobSpec job) {
  auto result = engine.submit(std::move(job)).wait();
  if (result.error()) throw *result.error();
  return result;
}

// Each pass assigns the points to the centroids of the pass before, and moves these to the means.
gristmill::Dataset refine(gristmill::Engine& engine, const gristmill::Dataset& points,
                          gristmill::Dataset centroids, int passes) {
  for (int pass = 1; pass <= passes; ++pass) {
    const auto result = run(engine, {.kernel = "kmeans_step",
                                     .inputs = {{"points", points}, {"centroids", centroids}}});
    fmt::print("pass {}: inertia {:.17g}, {:.1f} ms\n", pass,
               result.array("inertia").as<double>()[0], 1000 * result.summary().elapsed.count());
    if (pass == passes) {
      fmt::print("points per cluster: {}\n",
                 fmt::join(result.array("count").as<std::int64_t>(), " "));
    }
    centroids = result.dataset("centroids");  // the memory itself, not a copy of it
  }
  return centroids;
}

void write_labels(gristmill::Engine& engine, const gristmill::Dataset& points,
                  const gristmill::Dataset& centroids, const std::filesystem::path& path) {
  run(engine, {.kernel = "nearest",
               .inputs = {{"points", points}, {"targets", centroids}},
               .params = {{"metric", std::string("euclidean")}},
               .outputs = {{"index", path}}});
}

Arguments parse(std::span<char*> words) {
  if (words.size() < 4 || words.size() > 5) throw std::invalid_argument("");
  return {words[1], std::stoll(words[2]), std::stoi(words[3]), words.size() == 5 ? words[4] : ""};
}

}  // namespace

int main(int argc, char** argv) try {
  const Arguments arguments = parse({argv, static_cast<std::size_t>(argc)});
  gristmill::Engine engine;
  const auto points = gristmill::Dataset::open(arguments.points);
  const auto centroids =
      refine(engine, points, first_centroids(points, arguments.clusters), arguments.passes);
  if (!arguments.labels.empty()) write_labels(engine, points, centroids, arguments.labels);
  return 0;
} catch (const std::logic_error&) {  // also of std::stoi
  fmt::print(stderr, "usage: kmeans POINTS.npy CLUSTERS PASSES [LABELS.npy]\n");
  return 2;
} catch (const gristmill::Error& error) {
  fmt::print(stderr, "kmeans: {}\n{}\n{}\n", error.message(), error.detail(), error.hint());
  return 1;
} catch (const std::exception& error) {
  fmt::print(stderr, "kmeans: {}\n", error.what());
  return 1;
}
