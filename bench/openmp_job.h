#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <gristmill/engine.h>

#include "bench/fresh_pages.h"
#include "workers/kernel_host.h"

namespace gristmill::bench {

// A job of a map or reduce without gristmill: the threads of OpenMP, as many as CPUs, call the
// functions of the same plug-in in this process, on the chunks of the job's plan by
// schedule(static). Inputs and outputs are memory of its own, warm and huge if MADV_HUGEPAGE gives
// that; a reduce has an accumulator per thread, far from the others, and they are merged one after
// the other. What happens once (loading, planning, opening the kernel) is left out of run().
// Requires: the kernel overwrites its outputs.
class OpenmpJob {
 public:
  // Copies the inputs. Errors: the kernel's.
  OpenmpJob(const JobSpec& spec, const JobPlan& plan);

  void run();
  // The elements. Requires: run, and that the job asks for this output.
  const std::byte* output(const std::string& name) const;

 private:
  workers::JobArray warm_array(const ipc::ArraySpec& spec);
  void run_chunk(std::size_t thread, std::int64_t chunk);
  void merge_and_finish();

  std::unique_ptr<workers::KernelHost> host_;
  KernelInfo info_;
  ipc::IndexSpace space_;
  std::int64_t items_;
  std::int64_t chunk_items_;
  std::int64_t accumulator_bytes_;
  std::vector<std::unique_ptr<FreshPages>> memory_;
  std::vector<workers::JobArray> outputs_;
  std::atomic<std::uint32_t> stop_{0};
  workers::CancelFlag cancel_{stop_, 1};
  std::vector<void*> accumulators_;                            // by thread
  std::vector<std::unique_ptr<workers::OpenKernel>> kernels_;  // by thread
};

}  // namespace gristmill::bench
