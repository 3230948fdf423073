#include "bench/npy_points.h"

#include <cstdio>
#include <fstream>
#include <stdexcept>

namespace gristmill::bench {

Points read_npy_points(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  unsigned char lead[10] = {};
  file.read(reinterpret_cast<char*>(lead), sizeof lead);
  std::string header(static_cast<std::size_t>(lead[8] + 256 * lead[9]), '\0');
  file.read(header.data(), static_cast<std::streamsize>(header.size()));
  const auto shape = header.find("'shape': (");
  long long rows = 0;
  long long columns = 0;
  if (!file || lead[6] != 1 || header.find("'descr': '<f8'") == std::string::npos ||
      header.find("'fortran_order': False") == std::string::npos || shape == std::string::npos ||
      std::sscanf(header.c_str() + shape, "'shape': (%lld, %lld)", &rows, &columns) != 2) {
    throw std::runtime_error("could not read \"" + path + "\": not a float64 matrix in .npy 1.0");
  }
  Points points{rows, columns, std::vector<double>(static_cast<std::size_t>(rows * columns))};
  file.read(reinterpret_cast<char*>(points.values.data()),
            static_cast<std::streamsize>(points.values.size() * sizeof(double)));
  if (!file) throw std::runtime_error("could not read \"" + path + "\": it is too short");
  return points;
}

}  // namespace gristmill::bench
