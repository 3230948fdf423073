// Well-behaved kernels whose results a plain loop can check.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <gristmill/kernel.hpp>

#include "tests/plugins/gate.h"
#include "tests/plugins/item_hash.h"

namespace gristmill::test {
namespace {

void spin_for(std::chrono::nanoseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

// A hash of each row. Items below slow_below take slow_ns longer, busy; with a folder, the chunk of
// item 0 waits there for the gate.
class HashRows {
 public:
  static constexpr const char* kName = "hash_rows";
  static constexpr const char* kSummary = "a hash of each row";
  static constexpr gm_input_decl kInputs[] = {kernel::input("rows", "N x d int64")};
  static constexpr gm_param_decl kParams[] = {
      kernel::param<std::int64_t>("seed", "changes all results", "0"),
      kernel::param<std::int64_t>("slow_below", "number of slow items", "0"),
      kernel::param<std::int64_t>("slow_ns", "what a slow item takes", "0"),
      kernel::param<std::string_view>("folder", "the gate of item 0, or empty", "")};
  static constexpr gm_output_decl kOutputs[] = {kernel::output("hash", "int64"),
                                                kernel::output("value", "N x 2 float64")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT | GM_ITEM_INDEPENDENT;

  static void plan(const kernel::Request& request, kernel::Plan& plan) {
    request.input("rows").require_dtype({GM_INT64}).require_rank(2);
    plan.rows_of("rows").output<std::int64_t>("hash").output<double>("value", {2});
  }

  explicit HashRows(const kernel::Request& request)
      : rows_(request.input("rows").as<std::int64_t>()),
        columns_(request.input("rows").columns()),
        seed_(request.param<std::int64_t>("seed")),
        slow_below_(request.param<std::int64_t>("slow_below")),
        slow_time_(request.param<std::int64_t>("slow_ns")),
        folder_(request.param<std::string_view>("folder")) {}

  void run(const kernel::Chunk& chunk) const {
    if (chunk.begin() == 0 && !folder_.empty()) {
      announce(folder_, 0);
      wait_at_gate(chunk, folder_);
    }
    for (std::int64_t item = chunk.begin(); item < chunk.end(); ++item) {
      if (item < slow_below_) spin_for(slow_time_);
      const std::int64_t hash = item_hash(item,
                                          rows_.subspan(static_cast<std::size_t>(item * columns_),
                                                        static_cast<std::size_t>(columns_)),
                                          seed_);
      const auto row = static_cast<std::size_t>(item - chunk.begin());
      if (chunk.wanted("hash")) chunk.output<std::int64_t>("hash")[row] = hash;
      if (chunk.wanted("value")) {
        chunk.output<double>("value")[2 * row] = item_value(hash);
        chunk.output<double>("value")[2 * row + 1] = static_cast<double>(item) / 3;
      }
    }
  }

 private:
  std::span<const std::int64_t> rows_;
  std::int64_t columns_;
  std::int64_t seed_;
  std::int64_t slow_below_;
  std::chrono::nanoseconds slow_time_;
  std::string folder_;
};

// Writes down each range that it is run on, in a file that is only ever appended to: memory may be
// used again, and would hide a second run.
class LogVisits {
 public:
  static constexpr const char* kName = "log_visits";
  static constexpr const char* kSummary = "each item's number, and a record of each run";
  static constexpr std::array<gm_input_decl, 0> kInputs = {};
  static constexpr gm_param_decl kParams[] = {
      kernel::param<std::int64_t>("items", "number of items", "1"),
      kernel::param<std::string_view>("log", "a file for two int64 per run: begin, end", "")};
  static constexpr gm_output_decl kOutputs[] = {kernel::output("item", "int64")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT;

  static void plan(const kernel::Request& request, kernel::Plan& plan) {
    plan.range(request.param<std::int64_t>("items")).output<std::int64_t>("item");
  }
  explicit LogVisits(const kernel::Request& request)
      : log_(open(std::string(request.param<std::string_view>("log")).c_str(),
                  O_WRONLY | O_APPEND | O_CLOEXEC)) {
    if (log_ < 0) throw kernel::Failed("cannot open the log");
  }
  LogVisits(const LogVisits&) = delete;
  LogVisits& operator=(const LogVisits&) = delete;
  ~LogVisits() { close(log_); }

  void run(const kernel::Chunk& chunk) const {
    const std::int64_t range[] = {chunk.begin(), chunk.end()};
    if (write(log_, range, sizeof range) != sizeof range) throw kernel::Failed("cannot write");
    std::int64_t item = chunk.begin();
    for (std::int64_t& row : chunk.output<std::int64_t>("item")) row = item++;
  }

 private:
  int log_;
};

// Adds to its output: relies on zeroed rows, and refuses others.
class AddToZero {
 public:
  static constexpr const char* kName = "add_to_zero";
  static constexpr const char* kSummary = "adds 1 to 3 to rows that must be zero";
  static constexpr std::array<gm_input_decl, 0> kInputs = {};
  static constexpr gm_param_decl kParams[] = {
      kernel::param<std::int64_t>("items", "number of items", "1")};
  static constexpr gm_output_decl kOutputs[] = {kernel::output("sums", "N x 3 int64")};

  static void plan(const kernel::Request& request, kernel::Plan& plan) {
    plan.range(request.param<std::int64_t>("items")).output<std::int64_t>("sums", {3});
  }
  explicit AddToZero(const kernel::Request&) {}
  void run(const kernel::Chunk& chunk) const {
    const auto sums = chunk.output<std::int64_t>("sums");
    if (std::any_of(sums.begin(), sums.end(), [](std::int64_t sum) { return sum != 0; })) {
      throw kernel::Failed("the rows were not zeroed");
    }
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += static_cast<std::int64_t>(i % 3) + 1;
  }
};

// Each element plus one: its result is its next input.
class AddOne {
 public:
  static constexpr const char* kName = "add_one";
  static constexpr const char* kSummary = "each element plus one";
  static constexpr gm_input_decl kInputs[] = {kernel::input("rows", "N int64")};
  static constexpr gm_output_decl kOutputs[] = {kernel::output("sum", "N int64")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT | GM_ITEM_INDEPENDENT;

  static void plan(const kernel::Request&, kernel::Plan& plan) {
    plan.rows_of("rows").output<std::int64_t>("sum");
  }
  explicit AddOne(const kernel::Request& request)
      : rows_(request.input("rows").as<std::int64_t>()) {}
  void run(const kernel::Chunk& chunk) const {
    auto item = static_cast<std::size_t>(chunk.begin());
    for (std::int64_t& sum : chunk.output<std::int64_t>("sum")) sum = rows_[item++] + 1;
  }

 private:
  std::span<const std::int64_t> rows_;
};

}  // namespace
}  // namespace gristmill::test

GRISTMILL_KERNELS(gristmill::test::HashRows, gristmill::test::LogVisits, gristmill::test::AddToZero,
                  gristmill::test::AddOne)
