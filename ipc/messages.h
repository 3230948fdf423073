#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include <gristmill/array.h>
#include <gristmill/error.h>
#include <gristmill/job.h>
#include <gristmill/kernel_info.h>

#include "ipc/index_space.h"

// What the coordinator and a worker say to each other. Each message lists its fields once, in
// fields(); codec.h turns that list into msgpack and back.
namespace gristmill::ipc {

struct ArraySpec {
  DType dtype = DType::kBool;
  Shape shape;
};

// A kernel and what it is asked for; inputs, params and outputs in the order of its declarations.
struct KernelRequest {
  std::string plugin;                 // absolute path
  std::uint64_t plugin_identity = 0;  // when it was described; 0: not asked
  std::string kernel;
  std::vector<std::optional<ArraySpec>> inputs;
  std::vector<ParamValue> params;
  std::vector<bool> outputs_wanted;
};

// Where an array lies: in a range of one of the descriptors that came with the message. Workers
// keep the mapping of that range under the number of the memory, until they are told to forget it.
struct Placement {
  std::uint32_t fd_index = 0;
  std::uint64_t memory = 0;
  std::int64_t range_offset = 0;  // in the descriptor
  std::int64_t range_bytes = 0;
  std::int64_t array_offset = 0;  // in the range
  bool sealed = false;            // memory that nobody can write; the receiver verifies it
};

// The partials of a reduce: accumulators behind each other, at distances of stride_bytes, numbered
// as in a MergeTree. A leaf belongs to a chunk or, if the merge is exact, to a worker's slot.
struct Partials {
  std::int64_t accumulator_bytes = 0;
  std::int64_t stride_bytes = 0;
  std::uint32_t leaves = 0;
  std::uint32_t fan_in = 0;
  bool exact = false;
  Placement placement;
};

// The rows of an emit. Each extent, one for a worker's slot, has region_bytes of the segment, in
// which the rows of each output begin at its offset. A file is mapped when all rows are counted:
// its range_bytes is not known before.
struct Emit {
  Placement placement;  // the worker's own region
  std::uint32_t extent = 0;
  std::uint32_t extents = 0;
  std::int64_t region_bytes = 0;
  std::int64_t capacity_rows = 0;  // of an extent
  std::int64_t limit_bytes = 0;    // of all extents together
  std::vector<std::int64_t> offsets;
  std::vector<std::optional<Placement>> files;  // by output
  std::int64_t first_row = 0;  // rows of earlier workers of this slot lie before it
};

// Bytes behind axis 0. Requires: the shape has an axis, and fits into memory.
inline std::int64_t row_bytes(const ArraySpec& spec) {
  return size_bytes(spec.dtype, Shape(spec.shape.begin() + 1, spec.shape.end())).value_or(0);
}

// By the channel, with descriptors: Setup, OpenJob, OpenCalls, CallMemory.

// First message. Descriptors: the coordinator's queue half (read-only), the worker's queue half,
// the worker's doorbell, the coordinator's doorbell.
struct Setup {
  std::string version;
  std::int64_t memory_limit_bytes = 0;  // of the worker's own data; 0: none
};

// Numbers from chunks on are follow-ups. In a reduce they are merges: chunks + i makes partial
// leaves
// + i. In an emit with files, chunks + i copies the rows of chunk i.
struct OpenJob {
  std::uint32_t job = 0;
  std::uint32_t slot = 0;
  std::uint32_t slots = 0;
  std::uint32_t chunks = 0;
  std::int64_t items = 0;
  std::int64_t chunk_items = 0;
  IndexSpace space;
  std::uint32_t flags = 0;  // of the plan, as in kernel.h
  std::uint64_t ledger_key = 0;
  Placement control;
  KernelRequest request;
  std::vector<ArraySpec> outputs;  // all outputs of the kernel
  std::vector<std::optional<Placement>> input_placements;
  std::vector<std::optional<Placement>> output_placements;
  std::optional<Partials> partials;  // of a reduce
  std::optional<Emit> emit;
  std::uint32_t life = 0;      // a number for each worker that opens the job
  bool skips_failed = false;   // a chunk that the kernel refuses is reported, and the next one run
  std::optional<double> fill;  // what kFill writes; none: NaN, or 0 where there is none
};

// Comes before a worker's first call. Descriptor: the memory of its CallClaim (call_claim.h).
struct OpenCalls {};

// The memory of a call's arguments, sent before the call; or that for a result, in answer to
// NeedMemory: no placement if there is none. Placement::memory is a number for this use of the
// memory; array_offset is 0.
struct CallMemory {
  std::uint64_t call = 0;
  std::vector<Placement> placements;
  std::vector<bool> writable;  // of each placement: whether the worker's view of it can be written
};

// By the task queue, coordinator to worker: DescribeRequest to ResumeCalls.

struct DescribeRequest {
  std::uint32_t request = 0;
  std::string plugin;
};

struct PlanRequest {
  std::uint32_t request = 0;
  KernelRequest kernel;
};

// kWork: work on the partitions of a job until they are empty, and first on the private range of
// chunks [begin, end). kProbe: run the kernel on items [item_begin, item_end) of the convicted
// chunk `begin`, and leave the ledger alone. kFill: write the fill value over these items, or make
// the partial results of chunks [begin, end) those of no items. Answered by exactly one Idle of the
// same seq.
enum class OrderKind { kWork, kProbe, kFill };
struct Order {
  std::uint32_t job = 0;
  std::uint64_t seq = 0;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  OrderKind kind = OrderKind::kWork;
  std::int64_t item_begin = 0;
  std::int64_t item_end = 0;
};

// Give up the right to write the job's outputs, and all other memory. Answered by
// JobClosed.
struct CloseJob {
  std::uint32_t job = 0;
};

// Unmap these memories: nobody needs them any more. Not answered.
struct ForgetMemory {
  std::vector<std::uint64_t> memories;  // at most kMaxForgotten
};
inline constexpr std::size_t kMaxForgotten = 64;

// A piece of work by itself; what its data mean, the two programs agree on. Calls are numbered from
// 1 on, claimed in that order, and answered by exactly one Returned each, unless they were taken
// back.
struct Call {
  std::uint64_t call = 0;
  bool has_memory = false;  // a CallMemory was sent
  std::vector<std::byte> data;
};
// Of a call's or an answer's data; more goes into memory.
inline constexpr std::size_t kMaxCallBytes = 32 * 1024;
inline constexpr std::size_t kMaxCallMemories = 32;

// All calls up to this number were run or taken back: the claim is open again.
struct ResumeCalls {
  std::uint64_t call = 0;
};

// By the report queue, worker to coordinator: all others.

struct Hello {
  std::string version;
};

// One kernel of a plug-in: number index of count. A plug-in without kernels is refused.
struct Described {
  std::uint32_t request = 0;
  std::uint32_t index = 0;
  std::uint32_t count = 0;
  std::uint64_t plugin_identity = 0;  // tells this file from others
  KernelInfo kernel;
};

struct Planned {
  std::uint32_t request = 0;
  std::uint32_t flags = 0;  // of the plan, as in kernel.h
  IndexSpace space;
  std::int64_t items = 0;
  std::int64_t bytes_per_item = 0;
  double nanoseconds_per_item = 0;
  std::string instruction_set;
  std::vector<ArraySpec> outputs;      // all outputs of the kernel
  std::int64_t accumulator_bytes = 0;  // of a reduce
};

// The answer to a request that cannot be met.
struct Refused {
  std::uint32_t request = 0;
  ErrorCode code = ErrorCode::kInternal;
  ErrorText text;
};

struct Idle {
  std::uint32_t job = 0;
  std::uint64_t seq = 0;
  bool retires = false;  // it has more memory than it should, and wants to be replaced
};

// A line that the kernel has for the user.
struct LogLine {
  std::uint32_t job = 0;
  std::uint32_t level = 0;  // as in kernel.h
  std::string text;
};

// The kernel refused a chunk, or (no chunk) the job could not be opened. An Idle follows, in a job
// that skips failed chunks after the rest of the order.
struct JobFailed {
  std::uint32_t job = 0;
  std::optional<std::uint32_t> chunk;
  ErrorCode code = ErrorCode::kFailed;
  ErrorText text;
};

// A number that the kernel's chunks added up in one worker.
struct Counter {
  std::string name;
  std::int64_t value = 0;
};

struct JobClosed {
  std::uint32_t job = 0;
  std::int64_t faulted_bytes = 0;  // pages that were mapped in this job by faults
  std::int64_t huge_bytes = 0;     // of the outputs, mapped by huge pages
  std::vector<Counter> counters;
};

// Asks for memory for the result of the call that it is in. Answered by one CallMemory.
struct NeedMemory {
  std::uint64_t call = 0;
  std::int64_t size_bytes = 0;
};

struct Returned {
  std::uint64_t call = 0;
  bool failed = false;                  // the data tell how
  bool uses_memory = false;             // of those that it was given, the last one
  std::int64_t nanoseconds = 0;         // that it took
  std::vector<std::uint64_t> released;  // uses of memory that is not mapped any more
  std::vector<std::byte> data;
};
inline constexpr std::size_t kMaxReleased = 64;

using ChannelMessage = std::variant<Setup, OpenJob, OpenCalls, CallMemory>;
using Task =
    std::variant<DescribeRequest, PlanRequest, Order, CloseJob, ForgetMemory, Call, ResumeCalls>;
using Report = std::variant<Hello, Described, Planned, Refused, Idle, JobFailed, JobClosed, LogLine,
                            NeedMemory, Returned>;

inline auto fields(ErrorText& m) { return std::tie(m.message, m.detail, m.hint); }
inline auto fields(KernelInfo::Input& m) {
  return std::tie(m.name, m.help, m.optional, m.dtypes, m.min_rank, m.max_rank);
}
inline auto fields(KernelInfo::Param& m) {
  return std::tie(m.name, m.type, m.default_value, m.help, m.required);
}
inline auto fields(KernelInfo::Output& m) { return std::tie(m.name, m.help); }
inline auto fields(KernelInfo& m) {
  return std::tie(m.name, m.pattern, m.summary, m.description, m.plugin, m.inputs, m.params,
                  m.outputs);
}
inline auto fields(ArraySpec& m) { return std::tie(m.dtype, m.shape); }
inline auto fields(KernelRequest& m) {
  return std::tie(m.plugin, m.plugin_identity, m.kernel, m.inputs, m.params, m.outputs_wanted);
}
inline auto fields(IndexSpace& m) {
  return std::tie(m.kind, m.input, m.rows, m.columns, m.tile_rows, m.tile_columns);
}
inline auto fields(Placement& m) {
  return std::tie(m.fd_index, m.memory, m.range_offset, m.range_bytes, m.array_offset, m.sealed);
}
inline auto fields(Partials& m) {
  return std::tie(m.accumulator_bytes, m.stride_bytes, m.leaves, m.fan_in, m.exact, m.placement);
}
inline auto fields(Emit& m) {
  return std::tie(m.placement, m.extent, m.extents, m.region_bytes, m.capacity_rows, m.limit_bytes,
                  m.offsets, m.files, m.first_row);
}
inline auto fields(Setup& m) { return std::tie(m.version, m.memory_limit_bytes); }
inline auto fields(OpenJob& m) {
  return std::tie(m.job, m.slot, m.slots, m.chunks, m.items, m.chunk_items, m.space, m.flags,
                  m.ledger_key, m.control, m.request, m.outputs, m.input_placements,
                  m.output_placements, m.partials, m.emit, m.life, m.skips_failed, m.fill);
}
inline std::tuple<> fields(OpenCalls&) { return {}; }
inline auto fields(CallMemory& m) { return std::tie(m.call, m.placements, m.writable); }
inline auto fields(DescribeRequest& m) { return std::tie(m.request, m.plugin); }
inline auto fields(PlanRequest& m) { return std::tie(m.request, m.kernel); }
inline auto fields(Order& m) {
  return std::tie(m.job, m.seq, m.begin, m.end, m.kind, m.item_begin, m.item_end);
}
inline auto fields(CloseJob& m) { return std::tie(m.job); }
inline auto fields(ForgetMemory& m) { return std::tie(m.memories); }
inline auto fields(Call& m) { return std::tie(m.call, m.has_memory, m.data); }
inline auto fields(ResumeCalls& m) { return std::tie(m.call); }
inline auto fields(Hello& m) { return std::tie(m.version); }
inline auto fields(Described& m) {
  return std::tie(m.request, m.index, m.count, m.plugin_identity, m.kernel);
}
inline auto fields(Planned& m) {
  return std::tie(m.request, m.flags, m.space, m.items, m.bytes_per_item, m.nanoseconds_per_item,
                  m.instruction_set, m.outputs, m.accumulator_bytes);
}
inline auto fields(Refused& m) { return std::tie(m.request, m.code, m.text); }
inline auto fields(Idle& m) { return std::tie(m.job, m.seq, m.retires); }
inline auto fields(JobFailed& m) { return std::tie(m.job, m.chunk, m.code, m.text); }
inline auto fields(LogLine& m) { return std::tie(m.job, m.level, m.text); }
inline auto fields(Counter& m) { return std::tie(m.name, m.value); }
inline auto fields(JobClosed& m) {
  return std::tie(m.job, m.faulted_bytes, m.huge_bytes, m.counters);
}
inline auto fields(NeedMemory& m) { return std::tie(m.call, m.size_bytes); }
inline auto fields(Returned& m) {
  return std::tie(m.call, m.failed, m.uses_memory, m.nanoseconds, m.released, m.data);
}

}  // namespace gristmill::ipc
