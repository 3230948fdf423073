#include "workers/partials.h"

#include <cstring>

#include <gristmill/error.h>

#include "ipc/test_point.h"

namespace gristmill::workers {

Partials::Partials(const ipc::Partials& partials, MappedMemory& memory,
                   const ipc::ControlSegment& control, std::uint32_t slot, std::uint32_t chunks,
                   std::uint32_t life)
    : tree_(partials.leaves, partials.fan_in),
      memory_(memory),
      control_(control),
      array_offset_(partials.placement.array_offset),
      stride_bytes_(partials.stride_bytes),
      accumulator_bytes_(static_cast<std::size_t>(partials.accumulator_bytes)),
      leaves_(partials.leaves),
      chunks_(chunks),
      slot_(slot),
      life_(life),
      exact_(partials.exact) {
  std::int64_t needed = 0;
  const bool fits =
      partials.accumulator_bytes > 0 && stride_bytes_ >= partials.accumulator_bytes &&
      !__builtin_mul_overflow(stride_bytes_, std::int64_t{tree_.partials()}, &needed) &&
      array_offset_ >= 0 && needed <= memory.size_bytes() - array_offset_;
  if (!fits || (!exact_ && leaves_ != chunks_) || (exact_ && leaves_ > control.slots())) {
    throw Error(ErrorCode::kInternal, "the partials of a job lie outside of their memory");
  }
}

std::byte* Partials::accumulator_for(std::uint32_t chunk) {
  std::byte* accumulator = at(exact_ ? slot_ : chunk);
  if (!exact_ || !started_) std::memset(accumulator, 0, accumulator_bytes_);
  GRISTMILL_TEST_POINT("before-accumulates");
  // relaxed: read after this worker reported idle or was reaped.
  if (exact_ && !started_) control_.slot(slot_).accumulates.store(1, std::memory_order_relaxed);
  GRISTMILL_TEST_POINT("after-accumulates");
  started_ = true;
  return accumulator;
}

const std::byte* Partials::merge(OpenKernel& kernel, std::uint32_t chunk) {
  const std::uint32_t partial = partial_of(chunk);
  std::byte* into = at(partial);
  const ipc::ChunkRange inputs = tree_.inputs_of(partial);
  bool empty = true;
  for (std::uint32_t input = inputs.begin; input < inputs.end; ++input) {
    if (!is_used(input)) continue;
    if (empty) {
      std::memcpy(into, at(input), accumulator_bytes_);
    } else {
      kernel.merge(into, at(input));
      GRISTMILL_TEST_POINT("between-merges");
    }
    empty = false;
  }
  if (empty) std::memset(into, 0, accumulator_bytes_);
  return into;
}

std::byte* Partials::at(std::uint32_t partial) {
  const std::int64_t offset = array_offset_ + stride_bytes_ * std::int64_t{partial};
  memory_.pages().prepare(offset, offset + static_cast<std::int64_t>(accumulator_bytes_));
  return memory_.data() + offset;
}

void Partials::abandon() {
  if (!exact_) return;
  // relaxed: as in accumulator_for.
  control_.slot(slot_).accumulates.store(0, std::memory_order_relaxed);
  started_ = false;
  ++abandoned_;
}

void Partials::clear(std::uint32_t chunk) {
  if (!exact_) std::memset(at(chunk), 0, accumulator_bytes_);
}

// In an exact merge, a slot whose workers have run no chunk has no accumulator.
bool Partials::is_used(std::uint32_t partial) const {
  if (!exact_ || partial >= leaves_) return true;
  // relaxed: written before that worker reported idle, and read after the order that followed.
  return control_.slot(partial).accumulates.load(std::memory_order_relaxed) != 0;
}

}  // namespace gristmill::workers
