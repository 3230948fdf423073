// The body of column_moments_*.cc, compiled once per instruction set; see pairwise_loops.h for why
// it is all in an unnamed namespace and includes next to nothing.
#pragma once

#include "kernels/column_moments.h"

namespace gristmill::kernels {
namespace {

constexpr int kMomentLanes = 32;
constexpr int64_t kBlockElements = 16384;
// Squared deviations from a shift instead of the mean lose digits where the shift is far off; from
// ten standard deviations on the block is read again.
constexpr double kFarOff = 0.99;

// A block of a table: rows that lie `stride` elements apart, of which up to kMomentLanes columns
// are looked at.
template <class T>
struct Block {
  const T* data;
  int64_t rows;
  int64_t stride;
  int columns;

  double at(int64_t row, int column) const {
    return static_cast<double>(data[row * stride + column]);
  }
};

// Lane l of step s is element s * folded * stride + l of the block: narrow rows lie side by side.
// A step reads all lanes, also those behind its rows, so the last rows are not read by steps.
struct Steps {
  int64_t count;
  int folded;  // rows per step
};

template <class T>
Steps steps_of(const Block<T>& block) {
  const int folded = block.stride == block.columns ? kMomentLanes / block.columns : 1;
  const int64_t behind = kMomentLanes - int64_t{folded} * block.columns;
  const int64_t rows = block.rows - (behind + block.stride - 1) / block.stride;
  return {rows > 0 ? rows / folded : 0, folded};
}

struct alignas(64) MomentLanes {
  double shift[kMomentLanes];
  double sum[kMomentLanes];      // of differences to the shift
  double squares[kMomentLanes];  // of the same
  double min[kMomentLanes];
  double max[kMomentLanes];
};

template <class T>
void read_steps(const Block<T>& block, Steps steps, MomentLanes& out) {
  MomentLanes lanes;
  for (int lane = 0; lane < kMomentLanes; ++lane) {
    lanes.shift[lane] = out.shift[lane];
    lanes.sum[lane] = lanes.squares[lane] = 0;
    lanes.min[lane] = __builtin_inf();
    lanes.max[lane] = -__builtin_inf();
  }
  for (int64_t step = 0; step < steps.count; ++step) {
    const T* row = block.data + step * steps.folded * block.stride;
#pragma omp simd
    for (int lane = 0; lane < kMomentLanes; ++lane) {
      const auto x = static_cast<double>(row[lane]);
      const double difference = x - lanes.shift[lane];
      lanes.sum[lane] += difference;
      lanes.squares[lane] += difference * difference;
      lanes.min[lane] = x < lanes.min[lane] ? x : lanes.min[lane];
      lanes.max[lane] = x > lanes.max[lane] ? x : lanes.max[lane];
    }
  }
  out = lanes;
}

// One column of a block, from its lanes and the rows that the steps did not reach.
template <class T>
MomentLanes column_of(const Block<T>& block, Steps steps, const MomentLanes& lanes, int column) {
  MomentLanes one;
  one.shift[0] = lanes.shift[column];
  one.sum[0] = one.squares[0] = 0;
  one.min[0] = __builtin_inf();
  one.max[0] = -__builtin_inf();
  const auto add = [&one](double sum, double squares, double min, double max) {
    one.sum[0] += sum;
    one.squares[0] += squares;
    one.min[0] = min < one.min[0] ? min : one.min[0];
    one.max[0] = max > one.max[0] ? max : one.max[0];
  };
  for (int fold = 0; fold < steps.folded; ++fold) {
    const int lane = fold * block.columns + column;
    add(lanes.sum[lane], lanes.squares[lane], lanes.min[lane], lanes.max[lane]);
  }
  for (int64_t row = steps.count * steps.folded; row < block.rows; ++row) {
    const double x = block.at(row, column);
    const double difference = x - one.shift[0];
    add(difference, difference * difference, x, x);
  }
  return one;
}

// The squared deviations from the mean by reading the column again (corrected two-pass algorithm).
template <class T>
double squares_of(const Block<T>& block, int column, double mean) {
  double sum = 0;
  double squares = 0;
  for (int64_t row = 0; row < block.rows; ++row) {
    const double deviation = block.at(row, column) - mean;
    sum += deviation;
    squares += deviation * deviation;
  }
  return squares - sum * sum / static_cast<double>(block.rows);
}

template <class T>
bool has_nan(const Block<T>& block, int column) {
  for (int64_t row = 0; row < block.rows; ++row) {
    const double x = block.at(row, column);
    if (x != x) return true;
  }
  return false;
}

template <class T>
void add_block(const Block<T>& block, ColumnMoments* moments) {
  const Steps steps = steps_of(block);
  MomentLanes lanes;
  for (int lane = 0; lane < kMomentLanes; ++lane) {
    lanes.shift[lane] = block.at(0, lane % block.columns);
  }
  read_steps(block, steps, lanes);
  const auto n = static_cast<double>(block.rows);
  for (int column = 0; column < block.columns; ++column) {
    const MomentLanes one = column_of(block, steps, lanes, column);
    const double off = one.sum[0] / n;
    const ExactSum mean = exact_sum(one.shift[0], off);
    ColumnMoments added{block.rows, mean.sum,  mean.rest, one.squares[0] - one.sum[0] * off,
                        one.min[0], one.max[0]};
    if (one.sum[0] * off > kFarOff * one.squares[0]) {
      added.squares = squares_of(block, column, added.mean);
    }
    // Comparisons pass over a NaN. A sum that is one tells that one may be there, or infinities;
    // else numbers whose sum is beyond all numbers.
    if (added.mean != added.mean) {
      if (has_nan(block, column)) {
        // Not the one that was found: its sign would depend on the instruction set.
        added.mean = added.squares = added.min = added.max = __builtin_nan("");
      } else if (added.min == -__builtin_inf() || added.max == __builtin_inf()) {
        added.mean = added.min + added.max;
      }
    }
    merge(moments[column], added);
  }
}

template <class T>
void add_rows(const void* data, int64_t rows, int64_t columns, ColumnMoments* moments) {
  const T* table = static_cast<const T*>(data);
  // Wide tables are read in strips of kMomentLanes columns.
  const int64_t width = columns < kMomentLanes ? columns : kMomentLanes;
  if (width == 0) return;
  const int64_t rows_at_once = kBlockElements / width;
  for (int64_t row = 0; row < rows; row += rows_at_once) {
    const int64_t count = rows - row < rows_at_once ? rows - row : rows_at_once;
    for (int64_t column = 0; column < columns; column += kMomentLanes) {
      const int64_t left = columns - column;
      add_block(Block<T>{table + row * columns + column, count, columns,
                         static_cast<int>(left < kMomentLanes ? left : kMomentLanes)},
                moments + column);
    }
  }
}

constexpr ColumnMomentsLoops column_moments(const char* instruction_set) {
  ColumnMomentsLoops loops{};
  loops.instruction_set = instruction_set;
  loops.add[GM_INT8] = &add_rows<int8_t>;
  loops.add[GM_INT16] = &add_rows<int16_t>;
  loops.add[GM_INT32] = &add_rows<int32_t>;
  loops.add[GM_INT64] = &add_rows<int64_t>;
  loops.add[GM_UINT8] = &add_rows<uint8_t>;
  loops.add[GM_UINT16] = &add_rows<uint16_t>;
  loops.add[GM_UINT32] = &add_rows<uint32_t>;
  loops.add[GM_UINT64] = &add_rows<uint64_t>;
  loops.add[GM_FLOAT32] = &add_rows<float>;
  loops.add[GM_FLOAT64] = &add_rows<double>;
  return loops;
}

}  // namespace
}  // namespace gristmill::kernels
