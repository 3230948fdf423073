// Which place on Earth is the most central, which the most remote, which the loneliest?
// usage: places FOLDER     FOLDER: with cities_world.npy and cities_world_names.txt, as
// examples/data
#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include <gristmill/engine.h>
#include <gristmill/format.h>

namespace {

using namespace std::chrono_literals;

volatile std::sig_atomic_t ending_signal = 0;

extern "C" void note_signal(int number) { ending_signal = number; }

struct Places {
  gristmill::Dataset coordinates;  // latitude and longitude in degrees
  std::vector<std::string> names;

  std::int64_t count() const { return coordinates.shape()[0]; }
  std::int64_t pairs() const { return count() * (count() - 1); }
};

Places open_places(const std::filesystem::path& folder) {
  Places places{gristmill::Dataset::open(folder / "cities_world.npy"), {}};
  std::ifstream file(folder / "cities_world_names.txt");
  for (std::string name; std::getline(file, name);) {
    places.names.push_back(name);
  }
  if (places.names.size() != static_cast<std::size_t>(places.count())) {
    throw std::runtime_error("cities_world_names.txt has not one name for each place");
  }
  return places;
}

// A bar on a terminal, else a line every five seconds.
class ProgressBar {
 public:
  explicit ProgressBar(std::string title) : title_(std::move(title)) {}
  ~ProgressBar() {
    if (on_terminal_) {
      fmt::print(stderr, "\r\x1b[K");
    }
  }

  void draw(const gristmill::Progress& progress) {
    if (progress.items_done == 0 || (!on_terminal_ && progress.elapsed < next_line_)) {
      return;
    }
    next_line_ = progress.elapsed + 5s;
    const auto done = static_cast<double>(progress.items_done);
    const double share = done / static_cast<double>(progress.items_total);
    const auto full = static_cast<std::size_t>(share * kCells);
    const double seconds_left = progress.elapsed.count() * (1 - share) / share;
    fmt::print(stderr, "{}{} [{:#<{}}{:-<{}}] {:3} %  {:.0f} s left{}", on_terminal_ ? "\r" : "",
               title_, "", full, "", kCells - full,
               100 * progress.items_done / progress.items_total, std::ceil(seconds_left),
               on_terminal_ ? "\x1b[K" : "\n");
  }

 private:
  static constexpr std::size_t kCells = 30;

  std::string title_;
  bool on_terminal_ = isatty(STDERR_FILENO) == 1;
  std::chrono::duration<double> next_line_ = 5s;
};

// The result; none if a signal ended the job.
std::optional<gristmill::Result> run(gristmill::Engine& engine, const char* kernel,
                                     const Places& places) {
  ProgressBar bar(kernel);
  auto job = engine.submit({.kernel = kernel, .inputs = {{"points", places.coordinates}}});
  while (!job.wait_for(100ms)) {
    if (ending_signal != 0) {
      job.cancel();
    }
    bar.draw(job.progress());
  }
  auto result = job.wait();
  if (result.error()) {
    throw *result.error();
  }
  return result.done() ? std::optional(result) : std::nullopt;
}

// "4,993.501 km"
std::string km_text(double km) {
  const auto metres = static_cast<std::int64_t>(std::llround(km * 1000));
  return fmt::format("{}.{:03} km", gristmill::format_count(metres / 1000), metres % 1000);
}

void print_work(const Places& places, const gristmill::JobSummary& summary) {
  const auto pairs = static_cast<double>(places.pairs());
  const double seconds = summary.elapsed.count();
  fmt::print("{} places, {:.2f} billion pairs in {:.1f} s: {:.2f} billion pairs a second\n",
             gristmill::format_count(places.count()), pairs / 1e9, seconds, pairs / seconds / 1e9);
  for (const gristmill::WorkerStats& worker : summary.workers) {
    fmt::print("  worker {}: {:.1f} % busy, {} places\n", worker.worker, 100 * worker.busy_share,
               gristmill::format_count(worker.items));
  }
}

void print_answer(const Places& places, const gristmill::Result& means,
                  const gristmill::Result& neighbours) {
  const auto mean = means.array("mean").as<double>();
  const auto distance = neighbours.array("distance").as<double>();
  const auto index = neighbours.array("index").as<std::int64_t>();
  const auto position_of = [](auto values, auto found) {
    return static_cast<std::size_t>(found - values.begin());
  };
  const auto central = position_of(mean, std::min_element(mean.begin(), mean.end()));
  const auto remote = position_of(mean, std::max_element(mean.begin(), mean.end()));
  const auto lonely = position_of(distance, std::max_element(distance.begin(), distance.end()));

  fmt::print("\nMost central  {}: {} from the others on average\n", places.names[central],
             km_text(mean[central]));
  fmt::print("Most remote   {}: {} from the others on average\n", places.names[remote],
             km_text(mean[remote]));
  fmt::print("Loneliest     {}: {} from its nearest neighbour, {}\n", places.names[lonely],
             km_text(distance[lonely]), places.names[static_cast<std::size_t>(index[lonely])]);
  fmt::print("\nPlaces of more than 1,000 people by GeoNames (geonames.org), CC BY 4.0\n");
}

int answer(const std::filesystem::path& folder) {
  const Places places = open_places(folder);
  gristmill::Engine engine;
  const auto means = run(engine, "mean_distance", places);
  const auto neighbours = means ? run(engine, "nearest", places) : std::nullopt;
  if (!neighbours) {
    fmt::print(stderr, "places: interrupted\n");
    return 128 + ending_signal;
  }
  print_work(places, means->summary());
  print_answer(places, *means, *neighbours);
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    fmt::print(stderr, "usage: places FOLDER\n");
    return 2;
  }
  std::signal(SIGINT, note_signal);
  std::signal(SIGTERM, note_signal);
  return answer(argv[1]);
} catch (const gristmill::Error& error) {
  fmt::print(stderr, "places: {}\n{}\n{}\n", error.message(), error.detail(), error.hint());
  return 1;
} catch (const std::exception& error) {
  fmt::print(stderr, "places: {}\n", error.what());
  return 1;
}
