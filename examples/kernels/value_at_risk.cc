// A plug-in with two kernels over numbers instead of rows: what a portfolio may lose in some days,
// by drawing days from the past.
//
// A path is the sum of `days` daily log returns, drawn with replacement from those that were
// (historical simulation by bootstrap; P. Glasserman, Monte Carlo Methods in Financial Engineering,
// 2004, chapter 9). No generator has a state: the number for day d of path i is
//
//   r = mix(mix(seed) + days i + d),   mix: the output function of SplitMix64
//   day = floor(r / 2^64 n)            by the upper 32 bits of r
//
// so a path is the same whichever worker computes it, in whatever order.
// Source: G. L. Steele, D. Lea, C. H. Flood, Fast splittable pseudorandom number generators,
// OOPSLA 2014.
//
//   g++ -std=c++20 -O2 -fPIC -shared -I../../include value_at_risk.cc -o value_at_risk.so
//   gristmill run var_histogram --plugin ./value_at_risk.so --input sp500_logret.npy
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>

#include <gristmill/kernel.hpp>

namespace {

namespace gk = gristmill::kernel;

constexpr gm_input_decl kReturns = gk::input<double>(
    "returns", "daily log returns: log(close / close of the day before)", gk::rank(1));
constexpr gm_param_decl kPaths = gk::param<std::int64_t>("paths", "how many to draw", "1000000");
constexpr gm_param_decl kDays = gk::param<std::int64_t>("days", "of a path", "10");
constexpr gm_param_decl kSeed = gk::param<std::int64_t>("seed", "of the random numbers", "7");

std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

// What both kernels draw.
class Paths {
 public:
  static void plan(const gk::Request& request, gk::Plan& plan) {
    const gk::Input returns = request.input("returns");
    if (returns.rows() < 1 || returns.rows() > std::numeric_limits<std::uint32_t>::max()) {
      throw gk::Invalid("input \"returns\" has " + std::to_string(returns.rows()) +
                        " days, not 1 to 2^32 - 1");
    }
    const auto paths = request.param<std::int64_t>("paths");
    const auto days = request.param<std::int64_t>("days");
    if (paths < 0) throw gk::Invalid("\"paths\" is negative");
    if (days < 1) throw gk::Invalid("\"days\" is less than 1");
    plan.range(paths).nanoseconds_per_item(1.5 * static_cast<double>(days));
  }

  explicit Paths(const gk::Request& request)
      : returns_(request.input("returns").as<double>()),
        days_(static_cast<std::uint64_t>(request.param<std::int64_t>("days"))),
        key_(mix(static_cast<std::uint64_t>(request.param<std::int64_t>("seed")))) {}

  double log_return(std::int64_t path) const {
    const std::uint64_t first = key_ + days_ * static_cast<std::uint64_t>(path);
    double sum = 0;
    for (std::uint64_t day = 0; day < days_; ++day) {
      sum += returns_[((mix(first + day) >> 32) * returns_.size()) >> 32];
    }
    return sum;
  }

 private:
  std::span<const double> returns_;
  std::uint64_t days_;
  std::uint64_t key_;
};

// A map: each path's result.
class VarPaths {
 public:
  static constexpr const char* kName = "var_paths";
  static constexpr const char* kSummary = "gain or loss of each of many drawn paths";
  static constexpr gm_input_decl kInputs[] = {kReturns};
  static constexpr gm_param_decl kParams[] = {kPaths, kDays, kSeed};
  static constexpr gm_output_decl kOutputs[] = {
      gk::output("result", "float64 per path: gain as a share of what was put in")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT | GM_ITEM_INDEPENDENT;

  static void plan(const gk::Request& request, gk::Plan& plan) {
    Paths::plan(request, plan);
    plan.output<double>("result");
  }

  explicit VarPaths(const gk::Request& request) : paths_(request) {}

  void run(const gk::Chunk& chunk) const {
    std::int64_t path = chunk.begin();
    for (double& result : chunk.output<double>("result")) {
      result = std::expm1(paths_.log_return(path++));
    }
  }

 private:
  Paths paths_;
};

// A reduce: how often each log return came out, and the value at risk by it. Counts add up to the
// same in any order, so each worker has one accumulator: [0] below the bins, [1] above, then bins.
class VarHistogram {
 public:
  static constexpr const char* kName = "var_histogram";
  static constexpr const char* kSummary = "value at risk, and a histogram of log returns of paths";
  static constexpr gm_input_decl kInputs[] = {kReturns};
  static constexpr gm_param_decl kParams[] = {
      kPaths,
      kDays,
      kSeed,
      gk::param<std::int64_t>("bins", "of equal width", "2400"),
      gk::param<double>("low", "lower edge of the first bin, a log return", "-0.6"),
      gk::param<double>("high", "upper edge of the last bin", "0.6"),
      gk::param<double>("confidence", "share of paths that lose no more", "0.99")};
  static constexpr gm_output_decl kOutputs[] = {
      gk::output("count", "int64 per bin: paths whose log return is in it"),
      gk::output("outside", "2 int64: paths below the first bin, and above the last"),
      gk::output("value_at_risk", "float64: loss as a share, rounded up to the edge of a bin")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT | GM_EXACT_MERGE;

  static void plan(const gk::Request& request, gk::Plan& plan) {
    Paths::plan(request, plan);
    const auto bins = request.param<std::int64_t>("bins");
    if (bins < 1 || bins > kMostBins) {
      throw gk::Invalid("\"bins\" is " + std::to_string(bins) + ", not 1 to " +
                        std::to_string(kMostBins));
    }
    const double width = request.param<double>("high") - request.param<double>("low");
    if (!(width > 0) || !std::isfinite(width)) throw gk::Invalid("\"high\" is not above \"low\"");
    const auto confidence = request.param<double>("confidence");
    if (!(confidence > 0 && confidence < 1)) {
      throw gk::Invalid("\"confidence\" is not between 0 and 1");
    }
    plan.accumulator<std::int64_t>(2 + bins).bytes_per_item(sizeof(double));
    plan.output<std::int64_t>("count", {bins}).output<std::int64_t>("outside", {2});
    plan.output<double>("value_at_risk");
  }

  explicit VarHistogram(const gk::Request& request)
      : paths_(request),
        bins_(request.param<std::int64_t>("bins")),
        low_(request.param<double>("low")),
        width_((request.param<double>("high") - low_) / static_cast<double>(bins_)),
        confidence_(request.param<double>("confidence")) {}

  void run(const gk::Chunk& chunk) const {
    const auto counts = chunk.accumulator<std::int64_t>();
    for (std::int64_t path = chunk.begin(); path < chunk.end(); ++path) {
      const double bin = std::floor((paths_.log_return(path) - low_) / width_);
      if (bin < 0) {
        ++counts[0];
      } else if (bin < static_cast<double>(bins_)) {
        ++counts[2 + static_cast<std::size_t>(bin)];
      } else {
        ++counts[1];  // and what is no number
      }
    }
  }

  void merge(const gk::Merge& merge) const {
    const auto from = merge.from<std::int64_t>();
    const auto into = merge.into<std::int64_t>();
    std::transform(from.begin(), from.end(), into.begin(), into.begin(), std::plus<>());
  }

  void finish(const gk::Finish& finish) const {
    const auto counts = finish.accumulator<std::int64_t>();
    if (finish.wanted("count")) {
      std::copy(counts.begin() + 2, counts.end(), finish.output<std::int64_t>("count").begin());
    }
    if (finish.wanted("outside")) {
      std::copy_n(counts.begin(), 2, finish.output<std::int64_t>("outside").begin());
    }
    if (finish.wanted("value_at_risk")) {
      finish.output<double>("value_at_risk")[0] = -std::expm1(quantile(counts));
    }
  }

 private:
  static constexpr std::int64_t kMostBins = 1'000'000;

  // Lower edge of the bin with the path below which a share of 1 - confidence lies. NaN if it is
  // in no bin.
  double quantile(std::span<const std::int64_t> counts) const {
    double all = 0;
    for (const std::int64_t count : counts) all += static_cast<double>(count);
    double below = static_cast<double>(counts[0]);
    const double wanted = std::floor((1 - confidence_) * all + 1e-9 * all);
    if (below > wanted) return std::numeric_limits<double>::quiet_NaN();
    for (std::int64_t bin = 0; bin < bins_; ++bin) {
      below += static_cast<double>(counts[2 + static_cast<std::size_t>(bin)]);
      if (below > wanted) return low_ + static_cast<double>(bin) * width_;
    }
    return std::numeric_limits<double>::quiet_NaN();
  }

  Paths paths_;
  std::int64_t bins_;
  double low_;
  double width_;
  double confidence_;
};

}  // namespace

GRISTMILL_KERNELS(VarPaths, VarHistogram)
