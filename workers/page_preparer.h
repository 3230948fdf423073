#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ipc/pages.h"

namespace gristmill::workers {

// Makes the pages of one mapping be there before a kernel touches them, each block of a huge page's
// size once: huge where that is possible, else populated, once for reading and once for writing.
// What it cannot prepare is left to faults.
// Lifetime: the mapping outlives it.
class PagePreparer {
 public:
  // may_be_huge: the memory is a memfd with a page reserved for each huge one.
  PagePreparer(std::byte* base, std::int64_t size_bytes, ipc::Access access, bool may_be_huge);

  // What the mapping allows from now on.
  void set_access(ipc::Access access);

  // For bytes [begin, end) of the mapping. Cost: nothing for blocks that are prepared.
  void prepare(std::int64_t begin, std::int64_t end);

  // The same for memory that has no pages yet, not even one in each block: one is touched first.
  // Requires: write access.
  void prepare_sparse(std::int64_t begin, std::int64_t end);

  // Bytes of blocks that were made huge since the mapping was made.
  std::int64_t collapsed_bytes() const { return collapsed_bytes_; }

 private:
  enum class State : std::uint8_t { kUntouched, kReadable, kPrepared };

  // What is enough for the present access.
  State wanted() const {
    return access_ == ipc::Access::kRead ? State::kReadable : State::kPrepared;
  }
  void prepare_blocks(std::int64_t begin, std::int64_t end, bool sparse);
  void prepare_block(std::int64_t block, bool sparse);

  std::byte* base_;
  std::int64_t size_bytes_;
  ipc::Access access_;
  bool may_be_huge_;
  bool may_populate_ = true;
  std::int64_t first_offset_;  // from the address of block 0 to base_
  std::vector<State> blocks_;
  std::vector<std::int64_t> small_blocks_;  // that were busy, and may be huge in the next job
  int busy_ = 0;
  std::int64_t collapsed_bytes_ = 0;
};

}  // namespace gristmill::workers
