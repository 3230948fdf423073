#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <gristmill/kernel.h>

#include "ipc/index_space.h"

namespace gristmill::bench {

// A call of the plug-in that did not answer GM_OK.
class CallError : public std::runtime_error {
 public:
  CallError(gm_status status, const std::string& message, std::string hint)
      : std::runtime_error(message), status_(status), hint_(std::move(hint)) {}
  gm_status status() const { return status_; }
  const std::string& hint() const { return hint_; }

 private:
  gm_status status_;
  std::string hint_;
};

// An array as an input of a job: no copy. No data: an input that was not given.
gm_array array_of(gm_dtype dtype, const void* data, const std::vector<std::int64_t>& shape);
inline gm_array array_of(std::span<const double> values, const std::vector<std::int64_t>& shape) {
  return array_of(GM_FLOAT64, values.data(), shape);
}

struct PluginRequest {
  std::string kernel;
  std::vector<gm_array> inputs;  // those that are missing were not given
  std::map<std::string, gm_param_value> params = {};
  std::vector<std::uint8_t> wanted = {};  // empty: all outputs
};

gm_param_value text_param(const char* text);

// One job of a kernel, run in this process through the C ABI: no chunk plan, no processes.
class PluginJob {
 public:
  // Plans the job and allocates the wanted outputs, filled with the byte 0xAB.
  // Errors: CallError; std::out_of_range for an unknown kernel.
  PluginJob(const gm_plugin& plugin, PluginRequest request);
  PluginJob(const PluginJob&) = delete;
  PluginJob& operator=(const PluginJob&) = delete;
  ~PluginJob();

  const gm_plan& plan() const { return plan_; }
  // With tiles their number.
  std::int64_t items() const;
  bool is_reduce() const { return kernel_->pattern == GM_REDUCE; }
  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }

  // The kernel's state in one thread. Several may run chunks of one job at a time.
  class Worker {
   public:
    // Errors: CallError.
    explicit Worker(PluginJob& job);
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    ~Worker();
    // accumulator: of a reduce. With tiles, one call for each.
    void run(std::int64_t begin, std::int64_t end, void* accumulator = nullptr);
    // Of a reduce.
    void merge(void* into, const void* from);
    void finish(const void* accumulator);

   private:
    void run_once(std::int64_t begin, std::int64_t end, const ipc::Tile& tile, void* accumulator);

    PluginJob& job_;
    void* state_ = nullptr;
  };

  // What the kernel counted and said.
  const std::map<std::string, std::int64_t>& counters() const { return counters_; }
  const std::vector<std::string>& log() const { return log_; }
  // Of an emit: what was committed so far.
  std::int64_t emitted_rows() const { return emitted_rows_; }

  // One worker, all chunks of that size in order. A reduce: an accumulator for each, which are
  // merged in order, neighbours up to merged_at_once into one, until one is left to be finished.
  void run_all(std::int64_t chunk_size, std::size_t merged_at_once = 4096);

  template <class T>
  std::span<const T> output(std::size_t index) const {
    return {reinterpret_cast<const T*>(outputs_[index].data()), outputs_[index].size() / sizeof(T)};
  }
  std::size_t output_count() const { return outputs_.size(); }
  std::span<const std::byte> output_bytes(std::size_t index) const {
    return output<std::byte>(index);
  }

 private:
  struct alignas(64) CacheLine {
    std::byte bytes[64];
  };
  using Accumulator = std::vector<CacheLine>;

  class Host;

  void resolve(const gm_plugin& plugin);
  ipc::IndexSpace space() const;
  void allocate_outputs();
  Accumulator zeros() const;
  void reduce(Worker& worker, std::int64_t chunk_size, std::size_t merged_at_once);

  PluginRequest request_;
  const gm_kernel* kernel_ = nullptr;
  std::vector<gm_param_value> params_;
  gm_request abi_request_{};
  gm_plan plan_{};
  std::vector<std::vector<std::byte>> outputs_;
  std::map<std::string, std::int64_t> counters_;
  std::vector<std::string> log_;
  std::int64_t emitted_rows_ = 0;
  std::atomic<bool> cancelled_{false};
};

}  // namespace gristmill::bench
