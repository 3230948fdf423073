// A plug-in with a map over the rows of a grid that also reads their neighbours: how steep the
// ground is at each cell of a grid of heights on latitudes and longitudes.
//
// Slope by the 3 x 3 cells around each, with weights 1, 2, 1:
//
//   a b c      dz/dx = ((c + 2 f + i) - (a + 2 d + g)) / (8 dx)
//   d e f      dz/dy = ((a + 2 b + c) - (g + 2 h + i)) / (8 dy)
//   g h i      slope = atan(sqrt((dz/dx)^2 + (dz/dy)^2))
//
// dy = pi R / 180 / cells per degree with R = 6,371,008.8 m, dx = dy cos(latitude).
// Source: B. K. P. Horn, Hill shading and the reflectance map, Proceedings of the IEEE 69 (1981).
//
//   g++ -std=c++20 -O2 -fPIC -shared -I../../include terrain_slope.cc -o terrain_slope.so
//   gristmill run terrain_slope --plugin ./terrain_slope.so --input etopo5.npy
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <span>
#include <string>

#include <gristmill/kernel.hpp>

namespace {

namespace gk = gristmill::kernel;

constexpr double kEarthRadiusM = 6371008.8;
constexpr double kRadiansPerDegree = std::numbers::pi / 180;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Three rows of heights, and the size of their cells in metres.
template <class T>
struct Neighbourhood {
  const T* south;
  const T* here;
  const T* north;
  double dx;
  double dy;

  // Slope in degrees of one column, between those beside it.
  float slope(std::int64_t west, std::int64_t column, std::int64_t east) const {
    const double x =
        (sum(north[east], here[east], south[east]) - sum(north[west], here[west], south[west])) /
        (8 * dx);
    const double y = (sum(north[west], north[column], north[east]) -
                      sum(south[west], south[column], south[east])) /
                     (8 * dy);
    return static_cast<float>(std::atan(std::sqrt(x * x + y * y)) / kRadiansPerDegree);
  }

  static double sum(T outer, T middle, T other) {
    return static_cast<double>(outer) + 2 * static_cast<double>(middle) +
           static_cast<double>(other);
  }
};

class TerrainSlope {
 public:
  static constexpr const char* kName = "terrain_slope";
  static constexpr const char* kSummary = "slope of a grid of heights, by Horn's 3 x 3 cells";
  static constexpr const char* kDescription =
      "The slope in degrees at each cell of a grid of latitudes and longitudes, heights and cell "
      "sizes in metres (B. K. P. Horn, 1981). The first and the last row have no neighbours and "
      "are NaN; so are the first and the last column unless the grid goes around the Earth.\n"
      "Cost: 12 nanoseconds per cell, most of it the arc tangent.";
  static constexpr gm_input_decl kInputs[] = {gk::input<std::int16_t, float, double>(
      "grid", "heights in metres, rows from south to north", gk::rank(2))};
  static constexpr gm_param_decl kParams[] = {
      gk::param<double>("first_latitude", "of the first row, in degrees", "-90"),
      gk::param<double>("cells_per_degree", "rows, and columns, to a degree", "12"),
      gk::param<bool>("periodic", "whether the last column is beside the first", "true")};
  static constexpr gm_output_decl kOutputs[] = {
      gk::output("slope", "float32 per cell: degrees, or NaN")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT | GM_ITEM_INDEPENDENT;

  static void plan(const gk::Request& request, gk::Plan& plan) {
    const gk::Input grid = request.input("grid");
    if (grid.rows() < 3 || grid.columns() < 3) {
      throw gk::Invalid("input \"grid\" is " + std::to_string(grid.rows()) + " x " +
                        std::to_string(grid.columns()) + ", less than 3 x 3");
    }
    const auto first = request.param<double>("first_latitude");
    const auto cells = request.param<double>("cells_per_degree");
    const double last = first + static_cast<double>(grid.rows() - 1) / cells;
    if (!(cells > 0) || !(first >= -90) || !(last <= 90)) {
      throw gk::Invalid("the rows go from latitude " + std::to_string(first) + " to " +
                            std::to_string(last) + ", beyond a pole",
                        "Set \"first_latitude\" and \"cells_per_degree\" to those of the grid.");
    }
    plan.rows_of("grid").output<float>("slope", {grid.columns()});
    plan.nanoseconds_per_item(12 * static_cast<double>(grid.columns()));
  }

  explicit TerrainSlope(const gk::Request& request)
      : grid_(request.input("grid")),
        first_latitude_(request.param<double>("first_latitude")),
        cells_per_degree_(request.param<double>("cells_per_degree")),
        periodic_(request.param<bool>("periodic")) {}

  void run(const gk::Chunk& chunk) const {
    gk::dispatch(grid_.dtype(), [&]<class T>(T) { run_on(chunk, grid_.as<T>()); });
  }

 private:
  // The whole grid is there to be read; of the output only the rows of the chunk may be written.
  template <class T>
  void run_on(const gk::Chunk& chunk, std::span<const T> heights) const {
    const std::int64_t columns = grid_.columns();
    float* slope = chunk.output<float>("slope").data();
    for (std::int64_t row = chunk.begin(); row < chunk.end(); ++row, slope += columns) {
      if (row == 0 || row == grid_.rows() - 1) {
        std::fill(slope, slope + columns, kNan);
        continue;
      }
      const T* here = heights.data() + row * columns;
      const double latitude = first_latitude_ + static_cast<double>(row) / cells_per_degree_;
      const double dy = kEarthRadiusM * kRadiansPerDegree / cells_per_degree_;
      const double dx = dy * std::cos(latitude * kRadiansPerDegree);
      const Neighbourhood<T> around{here - columns, here, here + columns, dx, dy};
      const std::int64_t last = columns - 1;
      for (std::int64_t i = 1; i < last; ++i) slope[i] = around.slope(i - 1, i, i + 1);
      slope[0] = periodic_ ? around.slope(last, 0, 1) : kNan;
      slope[last] = periodic_ ? around.slope(last - 1, last, 0) : kNan;
    }
  }

  gk::Input grid_;
  double first_latitude_;
  double cells_per_degree_;
  bool periodic_;
};

}  // namespace

GRISTMILL_KERNELS(TerrainSlope)
