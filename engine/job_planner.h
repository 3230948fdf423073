#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <gristmill/engine.h>

#include "engine/planned_job.h"
#include "engine/planner.h"

namespace gristmill::engine {

// Turns what a user asks for into what workers are told: finds the kernel, matches names, checks
// all that can be checked, asks the kernel for its plan and cuts the chunks. Threads and processes:
// safe from any thread.
class JobPlanner {
 public:
  // plugins: absolute paths, searched in this order. Lifetime: planner outlives it.
  JobPlanner(Planner& planner, std::vector<std::string> plugins, int workers);

  // Errors: kInvalid for what is wrong with the spec, and when plug-in code died of it.
  PlannedJob plan(JobSpec spec);
  // Errors: kInvalid when a plug-in is refused.
  std::vector<KernelInfo> kernels();
  // Errors: kInvalid, with the nearest known name.
  KernelInfo kernel(const std::string& name);

 private:
  std::uint64_t identity_of(const std::string& plugin);
  const DescribedPlugin& plugin_at(const std::string& path);
  ipc::Planned ask(const ipc::KernelRequest& request);

  Planner& planner_;
  std::vector<std::string> plugins_;
  int workers_;
  std::mutex mutex_;
  std::map<std::string, DescribedPlugin> described_;  // by path
  std::map<std::string, ipc::Planned> answers_;       // by the encoded request
};

}  // namespace gristmill::engine
