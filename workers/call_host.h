#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include <gristmill/error.h>

#include "ipc/mapping.h"
#include "ipc/messages.h"

namespace gristmill::workers {

// Uses of memory that have ended and were not reported yet.
// Threads and processes: any thread of the worker.
class ReleasedUses {
 public:
  void add(std::uint64_t use);
  // The oldest ones, as many as a report takes.
  std::vector<std::uint64_t> take();

 private:
  std::mutex mutex_;
  std::vector<std::uint64_t> uses_;
};

// Memory of a call's arguments, mapped for as long as this lives: the coordinator does not use it
// otherwise until it is told of the end.
class ArgumentMemory {
 public:
  // writable: pages of its own, which nobody else sees. Errors: kInternal for memory that should be
  // sealed and is not; as the mappings'.
  ArgumentMemory(int fd, const ipc::Placement& placement, bool writable,
                 std::shared_ptr<ReleasedUses> released);
  ~ArgumentMemory();
  ArgumentMemory(const ArgumentMemory&) = delete;
  ArgumentMemory& operator=(const ArgumentMemory&) = delete;

  // Not to be written unless writable().
  std::byte* data() const;
  std::int64_t size_bytes() const { return size_bytes_; }
  bool writable() const { return own_.has_value(); }

 private:
  std::int64_t size_bytes_;
  std::uint64_t use_;
  std::optional<ipc::PrivateMapping> own_;
  std::optional<ipc::ReadOnlyMapping> shared_;
  std::shared_ptr<ReleasedUses> released_;
};

struct CallAnswer {
  std::vector<std::byte> data;
  bool failed = false;
};

// What runs calls.
class CallHost {
 public:
  // Memory for the call's result, valid until run() returns; asked for at most once. Empty if there
  // is none.
  using ResultRoom = std::function<std::span<std::byte>(std::int64_t size_bytes)>;

  virtual ~CallHost() = default;
  // Never throws: what went wrong is an answer.
  virtual CallAnswer run(std::span<const std::byte> data,
                         std::vector<std::unique_ptr<ArgumentMemory>> memories,
                         const ResultRoom& room) = 0;
  // The answer to a call that could not be begun.
  virtual CallAnswer failure(const Error& error) = 0;
};

}  // namespace gristmill::workers
