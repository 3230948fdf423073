// Chunks of unequal work: 1 % of them hold half of it, at the end, in the middle, at random.
#include <algorithm>
#include <numeric>
#include <random>

#include <fmt/format.h>

#include "bench/bench_engine.h"
#include "bench/kernels/loops.h"
#include "bench/median.h"
#include "bench/peers.h"
#include "bench/program.h"

namespace gristmill::bench {
namespace {

constexpr int kRounds = 9;

// Heavy ones have 99 times the work of the others: a hundredth of the chunks, half of the work.
constexpr std::int64_t kHeavyShare = 100;

enum class Place { kEnd, kMiddle, kRandom };

std::vector<std::int64_t> iterations_per_chunk(std::int64_t chunks, std::int64_t light,
                                               Place place) {
  const std::int64_t heavy = chunks / kHeavyShare;
  std::vector<std::int64_t> iterations(static_cast<std::size_t>(chunks), light);
  const std::int64_t first = place == Place::kMiddle ? (chunks - heavy) / 2
                             : place == Place::kEnd  ? chunks - heavy
                                                     : 0;
  std::fill_n(iterations.begin() + first, heavy, light * (kHeavyShare - 1));
  if (place == Place::kRandom) {
    std::shuffle(iterations.begin(), iterations.end(), std::mt19937_64(1));
  }
  return iterations;
}

// What no order of these chunks on so many workers can beat.
double ideal_seconds(std::span<const std::int64_t> nanoseconds, int workers) {
  const auto sum = std::accumulate(nanoseconds.begin(), nanoseconds.end(), std::int64_t{0});
  const auto longest = *std::max_element(nanoseconds.begin(), nanoseconds.end());
  return 1e-9 * std::max(static_cast<double>(sum) / workers, static_cast<double>(longest));
}

Figure skewed(Engine& engine, Place place, const std::string& place_in_words,
              const Options& options) {
  const std::int64_t chunks = options.smoke ? 200 : 2000;
  const std::vector<std::int64_t> iterations =
      iterations_per_chunk(chunks, iterations_for(options.smoke ? 10'000 : 200'000), place);
  const int workers = engine.workers();
  const JobSpec job{
      .kernel = "timed_work",
      .inputs = {{"iterations", Dataset::copy_of(ArrayView(std::span(iterations), {chunks}))}},
      .chunk_size = ChunkSize::items(1)};
  std::vector<std::int64_t> peer_nanoseconds(static_cast<std::size_t>(chunks));
  const auto timed = [&](std::int64_t chunk) {
    const auto i = static_cast<std::size_t>(chunk);
    peer_nanoseconds[i] = static_cast<std::int64_t>(1e9 * seconds_of([&] { work(iterations[i]); }));
  };
  std::vector<double> milliseconds;
  std::vector<Contender> contenders = {
      {"gristmill",
       [&] {
         std::optional<Result> result;
         const double seconds = seconds_of([&] { result = run_job(engine, job); });
         milliseconds.push_back(1000 * seconds);
         return seconds / ideal_seconds(result->array().as<std::int64_t>(), workers);
       }},
      {"OpenMP",
       [&] {
         const double seconds = seconds_of([&] { openmp_dynamic(workers, chunks, timed); });
         return seconds / ideal_seconds(peer_nanoseconds, workers);
       }},
      {"oneTBB", [&] {
         const double seconds = seconds_of([&] { tbb_automatic(chunks, timed); });
         return seconds / ideal_seconds(peer_nanoseconds, workers);
       }}};
  run_job(engine, job);
  const Quality quality = run_in_turns(contenders, kRounds, options);
  return {fmt::format("skew, 1 % of {} chunks hold half of the work {}, time of the ideal", chunks,
                      place_in_words),
          median(contenders[0].values),
          "",
          at_most(1.05),
          "ideal: measured times of the same chunks, evenly shared, but at least the longest",
          quality,
          {{"gristmill, ms", median(milliseconds)},
           {"OpenMP dynamic,1, of its ideal", median(contenders[1].values)},
           {"oneTBB auto partitioner, of its ideal", median(contenders[2].values)}}};
}

}  // namespace

std::vector<Figure> measure(const Options& options) {
  Engine engine(with_bench_kernels(0));
  return {skewed(engine, Place::kEnd, "at the end", options),
          skewed(engine, Place::kMiddle, "in the middle", options),
          skewed(engine, Place::kRandom, "at random", options)};
}

}  // namespace gristmill::bench
