// Reduces whose results a plain loop can check, and which misbehave when asked to.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <string_view>

#include <gristmill/kernel.hpp>

#include "tests/plugins/counting.h"
#include "tests/plugins/gate.h"
#include "tests/plugins/ordered_digest.h"

namespace gristmill::test {
namespace {

// A digest that depends on the order and the tree of all that was added and merged, at the end of
// an accumulator of any size.
class Digest {
 public:
  static constexpr const char* kName = "digest";
  static constexpr const char* kSummary = "depends on every merge";
  static constexpr gm_input_decl kInputs[] = {kernel::input("rows", "N int64")};
  static constexpr gm_param_decl kParams[] = {
      kernel::param<std::int64_t>("padding", "more elements in the accumulator", "0"),
      kernel::param<std::string_view>("at", "where to misbehave: run, merge, finish", ""),
      kernel::param<std::string_view>("how", "fail, die or wait", ""),
      kernel::param<std::string_view>("folder", "of the gate to wait at", "")};
  static constexpr gm_output_decl kOutputs[] = {kernel::output("digest", "a single uint64"),
                                                kernel::output("sum", "2 x 1 float64")};

  static void plan(const kernel::Request& request, kernel::Plan& plan) {
    plan.rows_of("rows").accumulator<OrderedDigest>(1 + request.param<std::int64_t>("padding"));
    plan.output<std::uint64_t>("digest").output<double>("sum", {2, 1});
  }
  explicit Digest(const kernel::Request& request)
      : rows_(request.input("rows").as<std::int64_t>()),
        at_(request.param<std::string_view>("at")),
        how_(request.param<std::string_view>("how")),
        folder_(request.param<std::string_view>("folder")) {}

  void run(const kernel::Chunk& chunk) const {
    OrderedDigest& digest = chunk.accumulator<OrderedDigest>().back();
    if (digest != OrderedDigest{}) throw kernel::Failed("the accumulator was not zeroed");
    for (auto item = chunk.begin(); item < chunk.end(); ++item) {
      digest.add(rows_[static_cast<std::size_t>(item)]);
    }
    misbehave("run");
  }
  void merge(const kernel::Merge& merge) const {
    merge.into<OrderedDigest>().back().merge(merge.from<OrderedDigest>().back());
    misbehave("merge");
  }
  void finish(const kernel::Finish& finish) const {
    misbehave("finish");
    const OrderedDigest& digest = finish.accumulator<OrderedDigest>().back();
    if (finish.wanted("digest")) finish.output<std::uint64_t>("digest")[0] += digest.digest;
    if (finish.wanted("sum")) finish.output<double>("sum")[1] += digest.sum;
  }

 private:
  void misbehave(std::string_view place) const {
    if (at_ != place) return;
    if (how_ == "fail") throw kernel::Failed("as asked", "Do not ask.");
    if (how_ == "die") raise(SIGSEGV);
    if (how_ == "wait") {
      announce(folder_, 0);
      while (!gate_is_open(folder_)) usleep(200);
    }
  }

  std::span<const std::int64_t> rows_;
  std::string at_;
  std::string how_;
  std::string folder_;
};

// How often each remainder occurs. Integers, so any order of merges gives the same.
class CountRemainders : public Counting {
 public:
  static constexpr const char* kName = "count_remainders";
  static constexpr const char* kSummary = "how often each remainder occurs";
  static constexpr gm_input_decl kInputs[] = {kernel::input("rows", "N int64")};
  static constexpr gm_param_decl kParams[] = {
      kernel::param<std::int64_t>("divisor", "number of remainders", "10")};
  static constexpr gm_output_decl kOutputs[] = {kernel::output("count", "int64 per remainder")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT | GM_EXACT_MERGE;

  static void plan(const kernel::Request& request, kernel::Plan& plan) {
    const auto divisor = request.param<std::int64_t>("divisor");
    plan.rows_of("rows").accumulator<std::int64_t>(divisor).output<std::int64_t>("count",
                                                                                 {divisor});
  }
  explicit CountRemainders(const kernel::Request& request)
      : rows_(request.input("rows").as<std::int64_t>()) {}

  void run(const kernel::Chunk& chunk) const {
    const auto counts = chunk.accumulator<std::int64_t>();
    for (auto item = chunk.begin(); item < chunk.end(); ++item) {
      const auto value = static_cast<std::uint64_t>(rows_[static_cast<std::size_t>(item)]);
      ++counts[value % counts.size()];
    }
  }

 private:
  std::span<const std::int64_t> rows_;
};

}  // namespace
}  // namespace gristmill::test

GRISTMILL_KERNELS(gristmill::test::Digest, gristmill::test::CountRemainders)
