// The benchmarks' kernels, on the loops of loops.h.
#include <array>
#include <cstdint>
#include <ctime>

#include <gristmill/kernel.hpp>

#include "bench/kernels/loops.h"

namespace gristmill::bench {
namespace {

namespace gk = gristmill::kernel;

std::int64_t nanoseconds_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

// Items that compute and write nothing: their output is declared and left as it is, for a byte
// written per item would measure memory.
class Work {
 public:
  static constexpr const char* kName = "work";
  static constexpr const char* kSummary = "the same work for each item, and nothing written";
  static constexpr std::array<gm_input_decl, 0> kInputs = {};
  static constexpr gm_param_decl kParams[] = {
      gk::param<std::int64_t>("items", "number of items", "1"),
      gk::param<std::int64_t>("iterations", "of the loop, per item; 0: an empty call", "0")};
  static constexpr gm_output_decl kOutputs[] = {gk::output("nothing", "int8, never written")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT;

  static void plan(const gk::Request& request, gk::Plan& plan) {
    plan.range(request.param<std::int64_t>("items")).output<std::int8_t>("nothing");
  }
  explicit Work(const gk::Request& request)
      : iterations_(request.param<std::int64_t>("iterations")) {}

  void run(const gk::Chunk& chunk) const {
    for (std::int64_t item = chunk.begin(); item < chunk.end(); ++item) {
      if (iterations_ == 0) {
        do_nothing();
      } else {
        work(iterations_);
      }
    }
  }

 private:
  std::int64_t iterations_;
};

// Items of unequal work, and how long each took.
class TimedWork {
 public:
  static constexpr const char* kName = "timed_work";
  static constexpr const char* kSummary = "work as told for each item, and its time";
  static constexpr gm_input_decl kInputs[] = {gk::input("iterations", "N int64")};
  static constexpr gm_output_decl kOutputs[] = {gk::output("nanoseconds", "int64, per item")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT;

  static void plan(const gk::Request&, gk::Plan& plan) {
    plan.rows_of("iterations").output<std::int64_t>("nanoseconds");
  }
  explicit TimedWork(const gk::Request& request)
      : iterations_(request.input("iterations").as<std::int64_t>()) {}

  void run(const gk::Chunk& chunk) const {
    auto item = static_cast<std::size_t>(chunk.begin());
    for (std::int64_t& time : chunk.output<std::int64_t>("nanoseconds")) {
      const std::int64_t start = nanoseconds_now();
      work(iterations_[item++]);
      time = nanoseconds_now() - start;
    }
  }

 private:
  std::span<const std::int64_t> iterations_;
};

// Reads an array once and writes one of the same size: as much memory traffic as a map can have.
class Stream {
 public:
  static constexpr const char* kName = "stream";
  static constexpr const char* kSummary = "twice each element and one";
  static constexpr gm_input_decl kInputs[] = {gk::input("rows", "N float64")};
  static constexpr gm_output_decl kOutputs[] = {gk::output("result", "N float64")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT;

  static void plan(const gk::Request&, gk::Plan& plan) {
    plan.rows_of("rows").output<double>("result");
  }
  explicit Stream(const gk::Request& request) : values_(request.input("rows").as<double>()) {}

  void run(const gk::Chunk& chunk) const {
    stream(values_.data() + chunk.begin(), chunk.output<double>("result").data(), chunk.size());
  }

 private:
  std::span<const double> values_;
};

// The time at which each chunk began. Reads the first element of its rows, so that the time
// includes the way to the data.
class Clock {
 public:
  static constexpr const char* kName = "clock";
  static constexpr const char* kSummary = "time at which each row's chunk began";
  static constexpr gm_input_decl kInputs[] = {gk::input("rows", "N x d float64")};
  static constexpr gm_output_decl kOutputs[] = {
      gk::output("nanoseconds", "int64, CLOCK_MONOTONIC, per row")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT;

  static void plan(const gk::Request&, gk::Plan& plan) {
    plan.rows_of("rows").output<std::int64_t>("nanoseconds");
  }
  explicit Clock(const gk::Request& request)
      : values_(request.input("rows").as<double>()), columns_(request.input("rows").columns()) {}

  void run(const gk::Chunk& chunk) const {
    const std::int64_t now = nanoseconds_now();
    const double first = values_[static_cast<std::size_t>(chunk.begin() * columns_)];
    const std::int64_t time = now + (first > 1e300 ? 1 : 0);
    for (std::int64_t& entry : chunk.output<std::int64_t>("nanoseconds")) entry = time;
  }

 private:
  std::span<const double> values_;
  std::int64_t columns_;
};

}  // namespace
}  // namespace gristmill::bench

GRISTMILL_KERNELS(gristmill::bench::Work, gristmill::bench::TimedWork, gristmill::bench::Stream,
                  gristmill::bench::Clock)
