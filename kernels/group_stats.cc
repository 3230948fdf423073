#include "kernels/group_stats.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string>

#include "kernels/column_param.h"
#include "kernels/exact_mean.h"
#include "kernels/instruction_set.h"

namespace gristmill::kernels {
namespace {

constexpr double kNanosecondsPerRow = 1.5;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

bool is_integer(gm_dtype dtype) { return (kernel::kIntegers >> dtype & 1) != 0; }

std::int64_t groups_of(const kernel::Request& request) {
  const auto groups = request.param<std::int64_t>("groups");
  if (groups >= 1 && groups <= kMostGroups) return groups;
  throw kernel::Invalid("parameter \"groups\" is " + std::to_string(groups) + ", not from 1 to " +
                        std::to_string(kMostGroups));
}

void check(const kernel::Request& request) {
  column_param(request, "value", "rows");
  const kernel::Input keys = request.input("keys");
  const bool is_column = request.param<std::int64_t>("key") != -1;
  if (keys.given() && is_column) {
    throw kernel::Invalid("both input \"keys\" and parameter \"key\" say what the keys are",
                          "Leave out one of them.");
  }
  if (!keys.given() && !is_column) {
    throw kernel::Invalid(
        "nothing says what the keys are",
        "Give the input \"keys\", or by the parameter \"key\" the column that holds them.");
  }
  keys.given() ? void(keys.require_rows_of(request.input("rows")))
               : void(column_param(request, "key", "rows"));
}

// Rows at a time. Of floating point numbers the groups are looked at after each block, so there are
// many more rows than groups.
std::int64_t block_rows(gm_dtype dtype, std::int64_t groups) {
  return is_integer(dtype) ? 4096 : 65536 + 64 * groups;
}

// The least whole number that is not below the threshold, in the order of IntegerGroup; nothing if
// the dtype has none.
std::optional<std::int64_t> whole_threshold(double threshold, gm_dtype dtype) {
  const double least = std::ceil(threshold);
  const double lowest = dtype == GM_UINT64 ? 0.0 : -0x1p63;
  if (least <= lowest) return INT64_MIN;
  if (!(least < lowest + 0x1p64)) return std::nullopt;
  return dtype == GM_UINT64
             ? static_cast<std::int64_t>(static_cast<std::uint64_t>(least)) ^ INT64_MIN
             : static_cast<std::int64_t>(least);
}

double to_double(std::int64_t ordered, gm_dtype dtype) {
  return dtype == GM_UINT64 ? static_cast<double>(static_cast<std::uint64_t>(ordered ^ INT64_MIN))
                            : static_cast<double>(ordered);
}

double share(std::int64_t part, std::int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

struct Summary {
  std::int64_t count;
  double mean;
  double std;
  double min;
  double max;
  double share;
};

struct Question {
  gm_dtype dtype;
  std::int64_t ddof;
  double threshold;
};

Summary summary_of(const IntegerGroup& group, const Question& question) {
  if (group.count == 0) return {0, kNan, kNan, kNan, kNan, kNan};
  return {
      group.count,
      exact_mean(group.sum, group.count),
      standard_deviation(squared_deviations(group), group.count, question.ddof),
      to_double(group.min, question.dtype),
      to_double(group.max, question.dtype),
      whole_threshold(question.threshold, question.dtype) ? share(group.above, group.count) : 0.0};
}

Summary summary_of(const FloatGroup& group, const Question& question) {
  const ColumnMoments& moments = group.moments;
  if (moments.count == 0) return {0, kNan, kNan, kNan, kNan, kNan};
  return {moments.count,
          moments.mean,
          standard_deviation(moments.squares, moments.count, question.ddof),
          moments.min,
          moments.max,
          share(group.above, moments.count)};
}

template <class Group>
void merge_groups(const kernel::Merge& merge) {
  const auto into = merge.into<Group>();
  const auto from = merge.from<Group>();
  for (std::size_t i = 0; i < into.size(); ++i) kernels::merge(into[i], from[i]);
}

template <class Group>
void write(const kernel::Finish& finish, const Question& question) {
  const auto groups = finish.accumulator<Group>();
  const auto output = [&](const char* name) {
    return finish.wanted(name) ? finish.output<double>(name).data() : nullptr;
  };
  std::int64_t* const counts =
      finish.wanted("count") ? finish.output<std::int64_t>("count").data() : nullptr;
  double* const outputs[] = {output("mean"), output("std"), output("min"), output("max"),
                             output("share")};
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const Summary group = summary_of(groups[i], question);
    if (counts != nullptr) counts[i] = group.count;
    const double values[] = {group.mean, group.std, group.min, group.max, group.share};
    for (std::size_t k = 0; k < std::size(outputs); ++k) {
      if (outputs[k] != nullptr) outputs[k][i] = values[k];
    }
  }
}

}  // namespace

void GroupStats::plan(const kernel::Request& request, kernel::Plan& plan) {
  check(request);
  const std::int64_t groups = groups_of(request);
  plan.rows_of("rows").instruction_set(chosen_grouping().instruction_set);
  plan.nanoseconds_per_item(kNanosecondsPerRow);
  const bool exact = is_integer(request.input("rows").dtype());
  exact ? plan.accumulator<IntegerGroup>(groups) : plan.accumulator<FloatGroup>(groups);
  plan.exact_merge(exact).output<std::int64_t>("count", {groups});
  for (const char* name : {"mean", "std", "min", "max", "share"}) {
    plan.output<double>(name, {groups});
  }
}

GroupStats::Column GroupStats::column_of(const kernel::Input& input, std::int64_t column) {
  const auto* data = static_cast<const std::byte*>(input.data());
  return {data + column * kernel::dtype_bytes(input.dtype()), input.dtype(), input.columns()};
}

GroupStats::Column GroupStats::keys_of(const kernel::Request& request) {
  const kernel::Input keys = request.input("keys");
  return keys.given() ? column_of(keys, 0)
                      : column_of(request.input("rows"), request.param<std::int64_t>("key"));
}

GroupStats::GroupStats(const kernel::Request& request)
    : loops_(&chosen_grouping()),
      groups_(groups_of(request)),
      values_(column_of(request.input("rows"), request.param<std::int64_t>("value"))),
      keys_(keys_of(request)),
      separate_keys_(request.input("keys").given()),
      ddof_(request.param<std::int64_t>("ddof")),
      threshold_(request.param<double>("threshold")) {
  if (!is_integer(values_.dtype)) shifted_.resize(static_cast<std::size_t>(groups_));
}

void GroupStats::run(const kernel::Chunk& chunk) {
  const std::int64_t at_once = block_rows(values_.dtype, groups_);
  for (std::int64_t begin = chunk.begin(); begin < chunk.end(); begin += at_once) {
    const std::int64_t end = std::min(begin + at_once, chunk.end());
    const std::int64_t done = add_rows(begin, end, chunk);
    if (done < end - begin) refuse_key(begin + done);
  }
}

// Returns how many, up to a wrong key.
std::int64_t GroupStats::add_rows(std::int64_t begin, std::int64_t end,
                                  const kernel::Chunk& chunk) {
  GroupedRows rows{values_.at(begin), values_.stride, keys_.at(begin),
                   keys_.stride,      end - begin,    groups_};
  if (separate_keys_) {
    if (read_keys_.size() < static_cast<std::size_t>(rows.count)) {
      read_keys_.resize(static_cast<std::size_t>(rows.count));
    }
    const std::int64_t done =
        loops_->read_keys[keys_.dtype](rows.keys, rows.count, groups_, read_keys_.data());
    if (done < rows.count) return done;
    rows.keys = read_keys_.data();
    rows.key_stride = 0;
  }
  if (!is_integer(values_.dtype)) {
    return add_float_rows(*loops_, values_.dtype, rows, threshold_, shifted_.data(),
                          chunk.accumulator<FloatGroup>().data());
  }
  const auto threshold = whole_threshold(threshold_, values_.dtype);
  return loops_->add_integers[values_.dtype](rows, threshold.value_or(INT64_MAX),
                                             chunk.accumulator<IntegerGroup>().data());
}

void GroupStats::refuse_key(std::int64_t row) const {
  const std::string key = kernel::dispatch(keys_.dtype, [&]<class T>(T) {
    char text[32];
    const T value = *reinterpret_cast<const T*>(keys_.at(row));
    return std::string(text, std::to_chars(std::begin(text), std::end(text), value).ptr);
  });
  throw kernel::Failed("row " + std::to_string(row) + " has the key " + key +
                       ": keys are from 0 to " + std::to_string(groups_ - 1));
}

void GroupStats::merge(const kernel::Merge& merge) const {
  is_integer(values_.dtype) ? merge_groups<IntegerGroup>(merge) : merge_groups<FloatGroup>(merge);
}

void GroupStats::finish(const kernel::Finish& finish) const {
  const Question question{values_.dtype, ddof_, threshold_};
  is_integer(values_.dtype) ? write<IntegerGroup>(finish, question)
                            : write<FloatGroup>(finish, question);
}

}  // namespace gristmill::kernels
