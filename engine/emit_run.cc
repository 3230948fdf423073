#include "engine/emit_run.h"

#include <algorithm>

#include "engine/reservation.h"
#include "ipc/pages.h"
#include "ipc/test_point.h"

namespace gristmill::engine {
namespace {

std::int64_t rounded_to_huge_pages(std::int64_t size_bytes) {
  return (size_bytes + ipc::kHugePageBytes - 1) / ipc::kHugePageBytes * ipc::kHugePageBytes;
}

}  // namespace

EmitRun::EmitRun(std::vector<Output> outputs, std::size_t kernel_outputs, bool replace_existing,
                 std::shared_ptr<SegmentPool> pool)
    : outputs_(std::move(outputs)),
      offsets_(kernel_outputs, 0),
      replace_existing_(replace_existing),
      pool_(std::move(pool)) {
  for (const Output& output : outputs_) {
    File& file = files_.emplace_back();
    if (!output.path.empty()) file.file = std::make_unique<TemporaryFile>(output.path);
  }
  // All rows of the job may come from one worker.
  // What is promised to others and not yet there counts as taken.
  const std::int64_t available =
      available_memory_bytes("/").value_or(INT64_MAX / 2) - pool_->untouched_bytes();
  limit_bytes_ = std::min(pool_->room_bytes(), std::max<std::int64_t>(available, 0));
  for (const Output& output : outputs_) all_row_bytes_ += ipc::row_bytes(output.spec);
  capacity_rows_ =
      std::min(limit_bytes_ / std::max<std::int64_t>(all_row_bytes_, 1), ipc::kMostEmittedRows);
  for (const Output& output : outputs_) {
    offsets_[output.kernel_output] = region_bytes_;
    region_bytes_ += rounded_to_huge_pages(capacity_rows_ * ipc::row_bytes(output.spec));
  }
  region_bytes_ = std::max(region_bytes_, ipc::kHugePageBytes);
}

void EmitRun::begin(std::uint32_t extents) {
  extents_ = extents;
  first_rows_.assign(extents, 0);
  std::int64_t size = 0;
  if (__builtin_mul_overflow(region_bytes_, std::int64_t{extents}, &size)) size = INT64_MAX;
  require_below_file_limit(size, "the rows of the job");
  memory_ = std::make_shared<EmittedMemory>(EmittedMemory{ipc::Segment::create(size), nullptr});
  GRISTMILL_TEST_POINT("coordinator-after-row-memory");
  for (std::uint32_t i = 0; i < extents; ++i) region_names_.push_back(MemoryName::create());
}

void EmitRun::bury(std::uint32_t extent, const ipc::ControlSegment& control,
                   const std::function<bool(std::uint32_t chunk)>& is_done) {
  std::int64_t& first_row = first_rows_.at(extent);
  for (std::uint32_t chunk = 0; chunk < control.records(); ++chunk) {
    const ipc::EmittedRange range = ipc::read_record(control.record(chunk));
    if (range.extent != extent || range.rows == 0 || !is_done(chunk)) continue;
    if (!range.lies_within(extents_, capacity_rows_)) continue;
    first_row = std::max(first_row, range.first_row + range.rows);
  }
  // What it had reserved beyond that is free again. relaxed: a sum that guards no other memory.
  std::atomic<std::uint64_t>& reserved = control.slot(extent).reserved_bytes;
  const auto used = static_cast<std::uint64_t>(first_row * all_row_bytes_);
  const std::uint64_t before = reserved.exchange(used, std::memory_order_relaxed);
  const std::uint64_t taken = control.emitted_bytes().load(std::memory_order_relaxed);
  if (before > used && before - used <= taken) {
    control.emitted_bytes().fetch_sub(before - used, std::memory_order_relaxed);
  }
}

bool EmitRun::gathers() const {
  return std::any_of(outputs_.begin(), outputs_.end(),
                     [](const Output& output) { return !output.path.empty(); });
}

ipc::Emit EmitRun::message(std::uint32_t extent) const {
  ipc::Emit emit;
  emit.extent = extent;
  emit.extents = extents_;
  emit.region_bytes = region_bytes_;
  emit.capacity_rows = capacity_rows_;
  emit.limit_bytes = limit_bytes_;
  emit.first_row = first_rows_.at(extent);
  emit.offsets = offsets_;
  emit.files.resize(offsets_.size());
  return emit;
}

PlacedArray EmitRun::region(std::uint32_t extent) const {
  return {region_names_.at(extent),
          memory_->segment.fd(),
          std::int64_t{extent} * region_bytes_,
          region_bytes_,
          0,
          false};
}

std::vector<std::optional<PlacedArray>> EmitRun::files() const {
  std::vector<std::optional<PlacedArray>> placed(offsets_.size());
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const File& file = files_[i];
    if (!file.file && !file.output) continue;
    const int fd = file.file ? file.file->fd() : file.output->place().fd;
    placed[outputs_[i].kernel_output] =
        PlacedArray{file.name, fd, FileOutput::data_offset_bytes(), 0, 0, false};
  }
  return placed;
}

void EmitRun::size_files(const ipc::ControlSegment& control) {
  count_rows(control);
  make_files();
}

// Records are words of workers: none is believed that leads out of the memory.
void EmitRun::count_rows(const ipc::ControlSegment& control) {
  if (ranges_) return;
  std::vector<ipc::EmittedRange> ranges;
  ranges.reserve(control.records());
  std::int64_t rows = 0;
  for (std::uint32_t chunk = 0; chunk < control.records(); ++chunk) {
    ranges.push_back(ipc::read_record(control.record(chunk)));
    if (ranges.back().lies_within(extents_, capacity_rows_)) rows += ranges.back().rows;
    std::int64_t bytes = 0;
    if (!ranges.back().lies_within(extents_, capacity_rows_) || rows > ipc::kMostEmittedRows ||
        __builtin_mul_overflow(rows, all_row_bytes_, &bytes) || bytes > limit_bytes_) {
      throw Error(ErrorCode::kFailed, "a worker's record of chunk " + std::to_string(chunk) +
                                          " names rows that there cannot be");
    }
  }
  ranges_ = std::move(ranges);
  rows_ = rows;
  // relaxed: in a quiet state nobody writes any more.
  const std::uint64_t taken = control.emitted_bytes().load(std::memory_order_relaxed);
  taken_bytes_ =
      static_cast<std::int64_t>(std::min(taken, static_cast<std::uint64_t>(limit_bytes_)));
}

Shape EmitRun::shape_of(const Output& output) const {
  Shape shape = output.spec.shape;
  shape.at(0) = rows_;
  return shape;
}

void EmitRun::make_files() {
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    if (!files_[i].file) continue;
    const Output& output = outputs_[i];
    files_[i].output =
        std::make_shared<FileOutput>(output.name, output.spec.dtype, shape_of(output),
                                     std::move(files_[i].file), replace_existing_);
  }
}

std::vector<std::shared_ptr<OutputArray>> EmitRun::finish(const ipc::ControlSegment* control) {
  if (control != nullptr) count_rows(*control);
  if (!ranges_) ranges_.emplace();
  make_files();
  const bool in_memory = std::any_of(outputs_.begin(), outputs_.end(),
                                     [](const Output& output) { return output.path.empty(); });
  if (in_memory) {
    // A job without items has not begun; its outputs are inputs of other jobs nevertheless.
    if (!memory_) begin(1);
    memory_->charge = pool_->charge(taken_bytes_);
  }
  std::vector<std::shared_ptr<OutputArray>> arrays;
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const Output& output = outputs_[i];
    if (files_[i].output) {
      arrays.push_back(files_[i].output);
    } else {
      arrays.push_back(make_memory_output(output, offsets_[output.kernel_output]));
    }
  }
  memory_.reset();
  return arrays;
}

std::shared_ptr<OutputArray> EmitRun::make_memory_output(const Output& output,
                                                         std::int64_t offset_bytes) const {
  return std::make_shared<EmittedOutput>(
      output.name, output.spec.dtype, shape_of(output), memory_,
      EmittedOutput::Layout{region_bytes_, offset_bytes, ipc::row_bytes(output.spec)}, *ranges_);
}

void EmitRun::require_space() const {
  for (const File& file : files_) {
    if (file.output) file.output->require_space();
  }
}

std::int64_t EmitRun::copied_bytes() const {
  std::int64_t bytes = 0;
  for (const File& file : files_) bytes += file.output ? file.output->size_bytes() : 0;
  return bytes;
}

}  // namespace gristmill::engine
