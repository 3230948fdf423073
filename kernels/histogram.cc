#include "kernels/histogram.h"

#include "kernels/column_param.h"
#include "kernels/instruction_set.h"
#include "kernels/tally.h"

namespace gristmill::kernels {
namespace {

constexpr double kNanosecondsPerValue = 0.6;

// -1: all columns.
std::int64_t column_of(const kernel::Request& request) {
  return column_param(request, "column", "values", -1);
}

Bins bins_of(const kernel::Request& request) {
  return make_bins(request.param<std::int64_t>("bins"), request.param<double>("low"),
                   request.param<double>("high"), request.input("values").dtype());
}

}  // namespace

void Histogram::plan(const kernel::Request& request, kernel::Plan& plan) {
  const std::int64_t bins = bins_of(request).count;
  const kernel::Input values = request.input("values");
  const bool weighted = request.input("weights").given();
  if (weighted) request.input("weights").require_rows_of(values);
  const std::int64_t values_per_row = column_of(request) < 0 ? values.columns() : 1;
  plan.rows_of("values").instruction_set(chosen_binning().instruction_set);
  plan.nanoseconds_per_item(kNanosecondsPerValue * static_cast<double>(values_per_row));
  plan.accumulator<std::int64_t>(tally_words(bins)).exact_merge(!weighted);
  plan.output("count", weighted ? GM_FLOAT64 : GM_INT64, {bins});
  plan.output<double>("edges", {bins + 1}).output<std::int64_t>("outside");
}

Histogram::Histogram(const kernel::Request& request)
    : bins_(bins_of(request)),
      values_(static_cast<const std::byte*>(request.input("values").data())),
      value_bytes_(kernel::dtype_bytes(request.input("values").dtype())),
      columns_(request.input("values").columns()),
      column_(column_of(request)),
      weights_(static_cast<const std::byte*>(request.input("weights").data())),
      weight_dtype_(request.input("weights").dtype()),
      add_(chosen_binning().add[request.input("values").dtype()]) {}

void Histogram::run(const kernel::Chunk& chunk) const {
  const bool all = column_ < 0;
  const std::int64_t first = chunk.begin() * columns_ + (all ? 0 : column_);
  BinWeights weights{nullptr, weight_dtype_, all ? columns_ : 1};
  if (weight_dtype_ != 0) {
    weights.data = weights_ + chunk.begin() * kernel::dtype_bytes(weight_dtype_);
  }
  add_(bins_, {values_ + first * value_bytes_, all ? 1 : columns_, chunk.size() * weights.repeat},
       weights, chunk.accumulator<std::int64_t>().data());
}

void Histogram::merge(const kernel::Merge& merge) const {
  weight_dtype_ == 0 ? merge_tallies<std::int64_t>(merge) : merge_tallies<double>(merge);
}

void Histogram::finish(const kernel::Finish& finish) const {
  weight_dtype_ == 0 ? finish_tally<std::int64_t>(finish, bins_)
                     : finish_tally<double>(finish, bins_);
}

}  // namespace gristmill::kernels
