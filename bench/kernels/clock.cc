// clock: the time at which each chunk began. Reads the first element of its rows, so that the time
// includes the way to the data.
#include <cstdint>
#include <ctime>

#include <gristmill/kernel.hpp>

namespace gristmill::bench {
namespace {

namespace gk = gristmill::kernel;

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
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const double first = values_[static_cast<std::size_t>(chunk.begin() * columns_)];
    const std::int64_t time = now.tv_sec * 1'000'000'000 + now.tv_nsec + (first > 1e300 ? 1 : 0);
    for (std::int64_t& entry : chunk.output<std::int64_t>("nanoseconds")) entry = time;
  }

 private:
  std::span<const double> values_;
  std::int64_t columns_;
};

}  // namespace
}  // namespace gristmill::bench

GRISTMILL_KERNELS(gristmill::bench::Clock)
