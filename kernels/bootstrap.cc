#include "kernels/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include <gristmill/philox.hpp>

#include "kernels/column_param.h"
#include "kernels/instruction_set.h"

namespace gristmill::kernels {
namespace {

constexpr double kNanosecondsPerDraw = 0.7;
constexpr std::int64_t kMostValues = std::numeric_limits<std::uint32_t>::max();
// Between two looks at whether the job was cancelled.
constexpr std::int64_t kDrawsPerLook = 64 * std::int64_t{kDrawsAtOnce};

bool is_real(gm_dtype dtype) { return dtype == GM_FLOAT32 || dtype == GM_FLOAT64; }

struct Checked {
  std::int64_t samples;
  std::int64_t column;
  bool splitmix64;
};

Checked check(const kernel::Request& request) {
  const kernel::Input values = request.input("values");
  if (values.rows() == 0) throw kernel::Invalid("input \"values\" has no rows to draw from");
  if (values.rows() > kMostValues) {
    throw kernel::Invalid("input \"values\" has " + std::to_string(values.rows()) +
                          " rows, more than " + std::to_string(kMostValues));
  }
  constexpr const char* kGenerators[] = {"philox", "splitmix64"};
  const Checked checked{request.param<std::int64_t>("samples"),
                        column_param(request, "column", "values"),
                        request.choice("generator", kGenerators) == 1};
  if (checked.samples < 1) {
    throw kernel::Invalid("parameter \"samples\" is " + std::to_string(checked.samples) +
                          ", not at least 1");
  }
  return checked;
}

}  // namespace

// Blocks that the stream itself never reaches.
std::uint32_t redrawn(const Sample& sample, std::uint64_t draw) {
  const std::uint32_t biased =
      static_cast<std::uint32_t>((std::uint64_t{1} << 32) % sample.elements);
  const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
  const auto high = [](std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); };
  std::uint64_t product = 0;
  std::uint32_t attempt = 0x80000000;
  do {
    const auto block =
        kernel::Philox::block({low(draw), attempt++, low(sample.number), high(sample.number)},
                              {low(sample.seed), high(sample.seed)});
    product = std::uint64_t{block[0]} * sample.elements;
  } while (low(product) < biased);
  return high(product);
}

void Bootstrap::plan(const kernel::Request& request, kernel::Plan& plan) {
  const Checked checked = check(request);
  const kernel::Input values = request.input("values");
  plan.range(checked.samples)
      .bytes_per_item(values.rows() * kernel::dtype_bytes(values.dtype()))
      .nanoseconds_per_item(kNanosecondsPerDraw * static_cast<double>(values.rows()))
      .instruction_set(chosen_bootstrap().instruction_set)
      .output<double>("mean")
      .output("sum", is_real(values.dtype()) ? GM_FLOAT64 : GM_INT64);
}

Bootstrap::Bootstrap(const kernel::Request& request)
    : loops_(&chosen_bootstrap()),
      indices_(check(request).splitmix64 ? loops_->splitmix64 : loops_->philox),
      seed_(static_cast<std::uint64_t>(request.param<std::int64_t>("seed"))),
      count_(request.input("values").rows()),
      column_(request.input("values"), check(request).column),
      real_(is_real(column_.dtype())) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  if (column_.magnitude() > static_cast<std::uint64_t>(kMost / count_)) {
    throw kernel::Failed("sums of " + std::to_string(count_) + " numbers as large as " +
                             std::to_string(column_.magnitude()) + " can be beyond int64",
                         "Convert input \"values\" to float64.");
  }
}

void Bootstrap::run(const kernel::Chunk& chunk) const {
  std::span<double> mean;
  std::span<double> real_sum;
  std::span<std::int64_t> whole_sum;
  if (chunk.wanted("mean")) mean = chunk.output<double>("mean");
  if (chunk.wanted("sum") && real_) real_sum = chunk.output<double>("sum");
  if (chunk.wanted("sum") && !real_) whole_sum = chunk.output<std::int64_t>("sum");

  for (std::int64_t number = chunk.begin(); number < chunk.end(); ++number) {
    DrawnSum sum{};
    if (!draw(chunk, number, sum)) return;
    // Not the NaN that was found: its sign would depend on the compiler.
    if (std::isnan(sum.real)) sum.real = std::numeric_limits<double>::quiet_NaN();
    const auto row = static_cast<std::size_t>(number - chunk.begin());
    if (!mean.empty()) {
      mean[row] = (real_ ? sum.real : static_cast<double>(sum.whole)) / static_cast<double>(count_);
    }
    if (!real_sum.empty()) real_sum[row] = sum.real;
    if (!whole_sum.empty()) whole_sum[row] = sum.whole;
  }
}

bool Bootstrap::draw(const kernel::Chunk& chunk, std::int64_t number, DrawnSum& sum) const {
  const Sample sample{seed_, static_cast<std::uint64_t>(number),
                      static_cast<std::uint32_t>(count_)};
  const auto add = loops_->add[column_.dtype()];
  std::uint32_t indices[kDrawsAtOnce];
  for (std::int64_t first = 0; first < count_; first += kDrawsAtOnce) {
    if (first % kDrawsPerLook == 0 && chunk.cancelled()) return false;
    indices_(sample, static_cast<std::uint64_t>(first), indices);
    add(column_.elements(), column_.stride(), indices,
        static_cast<int>(std::min<std::int64_t>(kDrawsAtOnce, count_ - first)), sum);
  }
  return true;
}

}  // namespace gristmill::kernels
