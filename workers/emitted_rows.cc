#include "workers/emitted_rows.h"

#include <algorithm>

#include <gristmill/error.h>
#include <gristmill/format.h>

#include "ipc/pages.h"
#include "ipc/test_point.h"
#include "workers/kernel_call.h"

namespace gristmill::workers {
namespace {

// Of an output, each time that room is asked for. Who asks for more may use little of it; faults
// make the rest.
constexpr std::int64_t kMostPreparedBytes = std::int64_t{64} << 20;

}  // namespace

EmittedRows::EmittedRows(const ipc::Emit& emit, const std::vector<ipc::ArraySpec>& outputs,
                         const std::vector<bool>& wanted, MappedMemory& region,
                         const ipc::ControlSegment& control)
    : region_(region),
      control_(control),
      extent_(emit.extent),
      capacity_rows_(emit.capacity_rows),
      limit_bytes_(emit.limit_bytes),
      offsets_(emit.offsets),
      first_(emit.first_row),
      tail_(emit.first_row),
      reserved_(emit.first_row) {
  bool fits = first_ >= 0 && capacity_rows_ >= first_ && extent_ < control.slots() &&
              emit.offsets.size() == outputs.size() && wanted.size() == outputs.size();
  for (std::size_t i = 0; fits && i < outputs.size(); ++i) {
    arrays_.push_back(to_c({nullptr, outputs[i]}));
    row_bytes_.push_back(wanted[i] ? ipc::row_bytes(outputs[i]) : 0);
    std::int64_t end = 0;
    fits = offsets_[i] >= 0 && !__builtin_mul_overflow(row_bytes_[i], capacity_rows_, &end) &&
           !__builtin_add_overflow(end, offsets_[i], &end) && end <= region.size_bytes() &&
           !__builtin_add_overflow(all_row_bytes_, row_bytes_[i], &all_row_bytes_);
    if (wanted[i]) arrays_[i].data = region.data() + offsets_[i];
  }
  if (!fits) throw Error(ErrorCode::kInternal, "the rows of a job lie outside of their memory");
}

const gm_array* EmittedRows::make_room(std::int64_t count) {
  if (count < 0) throw Error(ErrorCode::kFailed, "it asked for a negative number of rows");
  if (count > capacity_rows_ - tail_) {
    throw Error(ErrorCode::kResources,
                {"no room for " + format_count(count) + " more rows",
                 "They are " + format_size(all_row_bytes_) + " each, and " +
                     format_size(limit_bytes_) + " are there for all rows of the job.",
                 "Emit fewer rows, or raise the memory limit."});
  }
  if (tail_ + count > reserved_) reserve(tail_ + count);
  for (std::size_t i = 0; i < arrays_.size(); ++i) {
    gm_array& array = arrays_[i];
    array.shape[0] = count;
    if (array.data == nullptr) continue;
    const std::int64_t begin = offsets_[i] + tail_ * row_bytes_[i];
    array.data = region_.data() + begin;
    const std::int64_t size = count * row_bytes_[i];
    region_.pages().prepare_sparse(begin, begin + std::min(size, kMostPreparedBytes));
  }
  granted_ = count;
  return arrays_.data();
}

void EmittedRows::commit(std::int64_t count) {
  if (count < 0 || count > granted_) {
    throw Error(ErrorCode::kFailed, "it committed " + format_count(count) +
                                        " rows and had room for " + format_count(granted_));
  }
  GRISTMILL_TEST_POINT("before-commit");
  tail_ += count;
  granted_ = 0;
}

void EmittedRows::end_chunk(std::uint32_t chunk) {
  ipc::ChunkRecord& record = control_.record(chunk);
  GRISTMILL_TEST_POINT("before-record");
  // relaxed: published by the chunk's tag, which is stored with release.
  record.first_row.store(static_cast<std::uint64_t>(first_), std::memory_order_relaxed);
  GRISTMILL_TEST_POINT("half-record");
  record.rows.store(ipc::pack_rows(extent_, static_cast<std::uint64_t>(tail_ - first_)),
                    std::memory_order_relaxed);
  GRISTMILL_TEST_POINT("after-record");
  first_ = tail_;
}

// Counted in steps, so that the shared word is seldom touched; near the limit exactly.
void EmittedRows::reserve(std::int64_t rows) {
  if (all_row_bytes_ == 0) return;
  const std::int64_t step = std::max<std::int64_t>(ipc::kHugePageBytes / all_row_bytes_, 1);
  const std::int64_t ahead = std::max(rows, std::min(reserved_ + step, capacity_rows_));
  if (count_up_to(ahead) || count_up_to(rows)) return;
  // relaxed: for the text alone.
  const std::uint64_t taken = control_.emitted_bytes().load(std::memory_order_relaxed);
  throw Error(ErrorCode::kResources,
              {"the rows of the job need more than the " + format_size(limit_bytes_) +
                   " there are for them",
               format_size(static_cast<std::int64_t>(taken)) + " are taken and " +
                   format_size((rows - reserved_) * all_row_bytes_) + " were asked for.",
               "Emit fewer rows, raise the memory limit, or drop results that are not needed any "
               "more."});
}

bool EmittedRows::count_up_to(std::int64_t rows) {
  const auto bytes = static_cast<std::uint64_t>((rows - reserved_) * all_row_bytes_);
  const auto limit = static_cast<std::uint64_t>(limit_bytes_);
  std::atomic<std::uint64_t>& taken = control_.emitted_bytes();
  // relaxed: a sum that guards no other memory. Never above the limit, not even for a moment:
  // another worker would be refused for it.
  std::uint64_t before = taken.load(std::memory_order_relaxed);
  do {
    if (before > limit || bytes > limit - before) return false;
  } while (!taken.compare_exchange_weak(before, before + bytes, std::memory_order_relaxed));
  GRISTMILL_TEST_POINT("counted-not-reserved");
  reserved_ = rows;
  // relaxed: read by the coordinator after this process was reaped.
  control_.slot(extent_).reserved_bytes.store(static_cast<std::uint64_t>(rows * all_row_bytes_),
                                              std::memory_order_relaxed);
  return true;
}

}  // namespace gristmill::workers
