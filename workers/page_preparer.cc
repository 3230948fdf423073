#include "workers/page_preparer.h"

#include <algorithm>

namespace gristmill::workers {

using ipc::kHugePageBytes;

namespace {

// Of all blocks of a mapping; then waiting costs more than small pages do.
constexpr int kMostBusy = 64;

// Makes the page of a byte present, and leaves the byte as it is.
void touch(volatile std::byte& byte) {
  const std::byte before = byte;
  byte = before;
}

}  // namespace

PagePreparer::PagePreparer(std::byte* base, std::int64_t size_bytes, ipc::Access access,
                           bool may_be_huge)
    : base_(base),
      size_bytes_(size_bytes),
      access_(access),
      may_be_huge_(may_be_huge),
      first_offset_(
          static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(base) % kHugePageBytes)) {
  const std::int64_t blocks = (first_offset_ + size_bytes + kHugePageBytes - 1) / kHugePageBytes;
  blocks_.resize(static_cast<std::size_t>(blocks), State::kUntouched);
}

void PagePreparer::set_access(ipc::Access access) {
  access_ = access;
  may_populate_ = true;
  for (const std::int64_t block : small_blocks_) {
    blocks_[static_cast<std::size_t>(block)] = State::kUntouched;
  }
  small_blocks_.clear();
}

void PagePreparer::prepare(std::int64_t begin, std::int64_t end) {
  prepare_blocks(begin, end, false);
}

void PagePreparer::prepare_sparse(std::int64_t begin, std::int64_t end) {
  prepare_blocks(begin, end, true);
}

inline void PagePreparer::prepare_blocks(std::int64_t begin, std::int64_t end, bool sparse) {
  if (begin >= end) return;
  const std::int64_t first = (first_offset_ + begin) / kHugePageBytes;
  const std::int64_t last = (first_offset_ + end - 1) / kHugePageBytes;
  for (std::int64_t block = first; block <= last; ++block) {
    if (blocks_[static_cast<std::size_t>(block)] < wanted()) prepare_block(block, sparse);
  }
}

void PagePreparer::prepare_block(std::int64_t block, bool sparse) {
  State& state = blocks_[static_cast<std::size_t>(block)];
  state = wanted();
  const std::int64_t block_begin = block * kHugePageBytes - first_offset_;
  const std::int64_t begin = std::max<std::int64_t>(block_begin, 0);
  const std::int64_t end = std::min(block_begin + kHugePageBytes, size_bytes_);
  if (may_be_huge_ && end - begin == kHugePageBytes) {
    // Nothing can be collapsed where there is no page at all. What is there stays: rows of a
    // predecessor may begin in the block.
    if (sparse) touch(base_[begin]);
    switch (ipc::collapse_to_huge_pages(base_ + begin, kHugePageBytes)) {
      case ipc::Collapsed::kYes:
        collapsed_bytes_ += kHugePageBytes;
        state = State::kPrepared;
        return;
      case ipc::Collapsed::kBusy:
        small_blocks_.push_back(block);
        may_be_huge_ = ++busy_ < kMostBusy;
        break;
      case ipc::Collapsed::kRefused:
        // The next block would be refused as well, and asking costs time.
        may_be_huge_ = false;
    }
  }
  if (may_populate_) may_populate_ = ipc::populate(base_ + begin, end - begin, access_);
}

}  // namespace gristmill::workers
