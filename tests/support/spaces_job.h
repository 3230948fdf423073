#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <gristmill/dataset.h>
#include <gristmill/job.h>
#include <gristmill/result.h>

namespace gristmill::test {

// A job of one of spaces_kernels.cc, and the plain loop that checks it.
class SpacesJob {
 public:
  struct Lengths {
    std::int64_t rows = 0;  // of a range: items
    std::int64_t columns = 0;
    std::int64_t tile_rows = 256;
    std::int64_t tile_columns = 256;
  };

  // pattern: map, reduce, emit. space: rows, range, tiles, triangle.
  SpacesJob(std::string pattern, std::string space, Lengths lengths);

  JobSpec spec(ChunkSize chunk_size = {}) const;
  // Fails the test unless the job was done, each chunk once, with what the plain loop has. An
  // output that was not asked for is not looked at.
  void check(const Result& result) const;
  // How many rows an emit has.
  std::int64_t emitted_rows() const;

 private:
  struct Item {
    std::int64_t i;
    std::int64_t j;
    std::int64_t value;
  };

  void add_block(std::int64_t row_begin, std::int64_t column_begin);
  bool has_tiles() const { return space_ == "tiles" || space_ == "triangle"; }
  std::vector<std::int64_t> expected_values() const;
  std::vector<std::int64_t> expected_pairs() const;
  std::int64_t left(std::int64_t i) const;
  std::int64_t right(std::int64_t j) const;

  std::string pattern_;
  std::string space_;
  Lengths lengths_;
  std::vector<Item> items_;  // pairs of tiles, in order
  std::vector<Input> inputs_;
};

// All parts of an output, one after another.
std::vector<std::int64_t> numbers_of(const Result& result, const std::string& output);

}  // namespace gristmill::test
