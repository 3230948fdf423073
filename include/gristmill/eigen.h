#pragma once

#include <Eigen/Core>

#include <gristmill/array.h>

namespace gristmill {

template <class T>
using RowMajorMatrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// An Eigen view of an array: rows x (product of the other axes). No copy; valid as long as the
// array's own bytes. Errors: kInvalid if T is not the dtype.
template <class T>
Eigen::Map<const RowMajorMatrix<T>> as_matrix(const ArrayView& array) {
  const auto values = array.as<T>();
  const auto rows = static_cast<Eigen::Index>(array.rows());
  const auto columns = rows == 0 ? 0 : static_cast<Eigen::Index>(values.size()) / rows;
  return {values.data(), rows, columns};
}

}  // namespace gristmill
