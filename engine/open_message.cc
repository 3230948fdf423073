#include "engine/open_message.h"

#include "engine/dataset_storage.h"

namespace gristmill::engine {
namespace {

// Collects the descriptors of what one worker will map.
class Placements {
 public:
  Placements(WorkerPool& pool, std::uint32_t slot, std::vector<int>& fds)
      : pool_(pool), slot_(slot), fds_(fds) {}

  ipc::Placement of(const PlacedArray& array) {
    pool_.will_map(slot_, array.memory);
    fds_.push_back(array.fd);
    return {static_cast<std::uint32_t>(fds_.size() - 1),
            array.memory->number(),
            array.range_offset,
            array.range_bytes,
            array.array_offset,
            array.sealed};
  }

 private:
  WorkerPool& pool_;
  std::uint32_t slot_;
  std::vector<int>& fds_;
};

ipc::Emit emit_of(const EmitRun& emit, std::uint32_t slot, Placements& placements) {
  ipc::Emit message = emit.message(slot);
  message.placement = placements.of(emit.region(slot));
  const auto files = emit.files();
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (files[i]) message.files[i] = placements.of(*files[i]);
  }
  return message;
}

}  // namespace

OpenMessage open_message(const PlannedJob& job, std::uint32_t number, const JobControl& control,
                         WorkerPool& pool, std::uint32_t slot, std::uint32_t life) {
  OpenMessage open;
  Placements placements(pool, slot, open.fds);
  ipc::OpenJob& message = open.message;
  message.job = number;
  message.slot = slot;
  message.life = life;
  message.slots = control.words()->slots();
  message.chunks = static_cast<std::uint32_t>(job.chunks.chunks);
  message.items = job.chunks.items;
  message.chunk_items = job.chunks.chunk_items;
  message.space = job.space;
  message.flags = job.flags;
  message.skips_failed = job.faults.on_error == OnError::kSkip;
  message.fill = job.faults.fill;
  message.ledger_key = control.ledger_key();
  message.control = placements.of(control.place());
  message.request = job.request;
  message.outputs = job.output_specs;
  for (const auto& input : job.inputs) {
    auto& placement = message.input_placements.emplace_back();
    if (input) placement = placements.of(input->storage()->place());
  }
  for (const auto& index : job.plan_output_index) {
    auto& placement = message.output_placements.emplace_back();
    if (index && !job.emit) placement = placements.of(job.outputs[*index]->place());
  }
  if (job.partials) {
    const PooledSegment& memory = *job.partials_memory;
    message.partials = job.partials;
    message.partials->placement =
        placements.of({memory.name(), memory.fd(), 0, memory.size_bytes(), 0, false});
  }
  if (job.emit) message.emit = emit_of(*job.emit, slot, placements);
  return open;
}

}  // namespace gristmill::engine
