#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "ipc/fill_element.h"
#include "ipc/index_space.h"
#include "workers/kernel_host.h"

namespace gristmill::workers {

// Writes one value over items of a job's outputs.
// Lifetime: the outputs' memory outlives it.
class OutputFiller {
 public:
  // Over nothing.
  OutputFiller() = default;
  // With a byte, for what a kernel finds in its outputs.
  static OutputFiller of_byte(const std::vector<JobArray>& outputs, const ipc::IndexSpace& space,
                              std::int64_t rows, std::byte byte);
  // With a number, or where there is none with NaN or 0. Errors: kInternal if a dtype does not have
  // it.
  static OutputFiller of_number(const std::vector<JobArray>& outputs, const ipc::IndexSpace& space,
                                std::int64_t rows, std::optional<double> value);

  bool empty() const { return outputs_.empty(); }
  // Of outputs with a row for each item.
  void fill_rows(std::int64_t begin, std::int64_t end) const;
  // Of outputs over tiles, the mirror image in a triangle included.
  void fill_tile(const ipc::Tile& tile) const;
  // Whole outputs.
  void fill_all() const;

 private:
  struct FilledOutput {
    std::byte* data;
    std::int64_t row_bytes;
    std::int64_t cell_bytes;  // of a pair of tiles
    std::int64_t size_bytes;
    std::int64_t element_bytes;
    ipc::ElementBytes element;
    bool one_byte;  // all bytes of an element are the same
  };

  void add(const JobArray& output, const ipc::IndexSpace& space, std::int64_t rows,
           const ipc::ElementBytes& element);
  static void write(const FilledOutput& output, std::int64_t begin, std::int64_t end);
  void fill_block(const ipc::Tile& tile) const;

  bool mirrors_ = false;
  std::vector<FilledOutput> outputs_;
};

}  // namespace gristmill::workers
