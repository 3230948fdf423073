// What a result costs whose size nobody knows before: select, against OpenMP with the same loops,
// a growing vector per thread and a copy of them into one array.
#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <vector>

#include <fmt/format.h>

#include "bench/bench_engine.h"
#include "bench/fresh_pages.h"
#include "bench/median.h"
#include "bench/peers.h"
#include "bench/program.h"
#include "kernels/condition.h"
#include "kernels/select.h"

namespace gristmill::bench {
namespace {

constexpr int kRounds = 15;
constexpr std::int64_t kBlockRows = 4096;  // as select has them
constexpr const char* kWhere = "< 0.1";

// One in ten is less than 0.1.
void fill(double* values, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    values[i] = static_cast<double>((i * 2654435761) % 1000003) / 1000003;
  }
}

// What each thread found in its share of the rows, behind each other in the order of the threads.
std::vector<double> openmp_select(const double* values, std::int64_t count) {
  const auto condition = kernels::Condition::parse(kWhere);
  const kernels::Column column{values, GM_FLOAT64, 1};
  const int threads = usable_cpus();
  std::vector<std::vector<double>> parts(static_cast<std::size_t>(threads));
  const std::int64_t blocks = (count + kBlockRows - 1) / kBlockRows;
  openmp_static(threads, threads, [&](std::int64_t thread) {
    std::uint32_t chosen[kBlockRows];
    std::vector<double>& part = parts[static_cast<std::size_t>(thread)];
    const std::int64_t end_block = blocks * (thread + 1) / threads;
    for (std::int64_t block = blocks * thread / threads; block < end_block; ++block) {
      const std::int64_t begin = block * kBlockRows;
      const std::int64_t found =
          condition.choose(column, begin, std::min(begin + kBlockRows, count), chosen);
      const std::size_t before = part.size();
      part.resize(before + static_cast<std::size_t>(found));
      kernels::copy_rows(reinterpret_cast<const std::byte*>(values + begin), sizeof(double), chosen,
                         found, reinterpret_cast<std::byte*>(part.data() + before));
    }
  });
  std::vector<std::size_t> offsets(parts.size());
  std::size_t size = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    offsets[i] = size;
    size += parts[i].size();
  }
  std::vector<double> all(size);
  openmp_static(threads, threads, [&](std::int64_t i) {
    const auto part = static_cast<std::size_t>(i);
    std::copy(parts[part].begin(), parts[part].end(),
              all.begin() + static_cast<std::ptrdiff_t>(offsets[part]));
  });
  return all;
}

}  // namespace

std::vector<Figure> measure(const Options& options) {
  const std::int64_t count = options.smoke ? 1'000'000 : 100'000'000;
  const std::int64_t size_bytes = count * 8;
  const FreshPages values(size_bytes, Pages::kPrivateHuge);
  fill(values.data(), count);
  Engine engine({.workers = usable_cpus()});
  const std::span<const double> all(values.data(), static_cast<std::size_t>(count));
  const JobSpec job{.kernel = "select",
                    .inputs = {{"rows", Dataset::copy_of(ArrayView(all, {count}))}},
                    .params = {{"where", kWhere}},
                    .outputs = {{"rows", {}}}};
  std::int64_t found = 0;
  std::int64_t kept = 0;
  std::int64_t copied = 0;
  std::int64_t huge = 0;
  const auto select = [&] {
    const Result result = run_job(engine, job);
    kept = result.summary().plan.outputs[0].shape[0];
    copied = result.summary().copied_bytes;
    huge = result.summary().huge_bytes;
  };
  select();
  std::vector<Contender> contenders = {
      {"gristmill", [&] { return seconds_of(select); }},
      {"OpenMP", [&] {
         return seconds_of([&] {
           found = static_cast<std::int64_t>(openmp_select(values.data(), count).size());
         });
       }}};
  const Quality quality = run_in_turns(contenders, kRounds, options);
  if (found != kept) throw std::runtime_error("the peer kept another number of rows");
  const std::string placement = fmt::format(
      "{} rows kept; in-memory dataset, {} bytes of the job's memory in huge pages; OpenMP reads "
      "its own warm memory with MADV_HUGEPAGE",
      found, huge);
  return {{fmt::format("select 1 in 10 of {} float64, speed of OpenMP", count),
           median_ratio(contenders[1].values, contenders[0].values),
           "",
           at_least(0.8),
           placement,
           quality,
           {{"gristmill, ms", 1000 * median(contenders[0].values)},
            {"OpenMP, ms", 1000 * median(contenders[1].values)}}},
          {"bytes copied to gather them without a file", static_cast<double>(copied), "bytes",
           at_most(0), placement, quality}};
}

}  // namespace gristmill::bench
