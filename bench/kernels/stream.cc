// stream: reads an array once and writes one of the same size. As much memory traffic as a map can
// have.
#include <cstdint>

#include <gristmill/kernel.hpp>

namespace gristmill::bench {
namespace {

namespace gk = gristmill::kernel;

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
    const double* from = values_.data() + chunk.begin();
    double* to = chunk.output<double>("result").data();
    for (std::int64_t i = 0; i < chunk.size(); ++i) to[i] = 2 * from[i] + 1;
  }

 private:
  std::span<const double> values_;
};

}  // namespace
}  // namespace gristmill::bench

GRISTMILL_KERNELS(gristmill::bench::Stream)
