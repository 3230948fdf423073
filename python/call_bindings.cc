#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include <gristmill/dataset.h>
#include <gristmill/engine.h>

#include "engine/call_pool.h"
#include "engine/dataset_storage.h"
#include "engine/job_queue.h"
#include "engine/memory_output.h"
#include "python/bindings.h"
#include "python/freed_by_owner.h"
#include "python/line_buffer.h"
#include "python/python_workers.h"

namespace gristmill::python {
namespace nb = nanobind;
namespace {

// Memory for a call's arguments, before it is sent.
class NewArgument {
 public:
  explicit NewArgument(std::shared_ptr<const engine::PooledSegment> segment)
      : segment_(std::move(segment)) {}

  nb::object view() const {
    return memory_view(segment_->writable(), segment_->size_bytes(), /*writable=*/true);
  }
  const std::shared_ptr<const engine::PooledSegment>& segment() const { return segment_; }

 private:
  std::shared_ptr<const engine::PooledSegment> segment_;
};

engine::CallArgument argument_of(const NewArgument& memory, bool writable) {
  const auto& segment = memory.segment();
  return {{segment->name(), segment->fd(), 0, segment->size_bytes(), 0, false}, writable, segment};
}
engine::CallArgument argument_of(const Dataset& dataset, bool writable) {
  const auto& storage = dataset.storage();
  return {storage->place(), writable, storage};
}

engine::CallRequest request_of(std::uint64_t id, const nb::bytes& data, const nb::list& memories) {
  const auto* begin = static_cast<const std::byte*>(data.data());
  engine::CallRequest request{id, {begin, begin + data.size()}, {}};
  for (const nb::handle entry : memories) {
    const auto [memory, writable] = nb::cast<std::pair<nb::object, bool>>(entry);
    if (nb::isinstance<NewArgument>(memory)) {
      request.memories.push_back(argument_of(nb::cast<NewArgument&>(memory), writable));
    } else {
      request.memories.push_back(argument_of(nb::cast<Dataset&>(memory), writable));
    }
  }
  return request;
}

Dataset dataset_over(std::shared_ptr<const engine::PooledSegment> segment) {
  const std::int64_t size = segment->size_bytes();
  return Dataset(std::make_shared<const DatasetStorage>(std::make_shared<engine::MemoryOutput>(
      "result", DType::kUInt8, Shape{size}, std::move(segment), 0)));
}

nb::object facts_of(const std::optional<engine::CallDeath>& death) {
  if (!death) return nb::none();
  const engine::WorkerExit& exit = death->death.exit;
  nb::dict facts;
  facts["worker"] = death->worker;
  facts["pid"] = death->pid;
  facts["what"] = death->death.violation.empty() ? exit.in_words()
                                                 : "was killed because " + death->death.violation;
  facts["signal"] = exit.signal;
  facts["exit_code"] = exit.code;
  facts["out_of_memory"] = death->death.out_of_memory;
  facts["peak_memory_bytes"] = exit.peak_bytes;
  facts["cpu_seconds"] = std::chrono::duration<double>(exit.cpu_time).count();
  facts["wall_seconds"] = std::chrono::duration<double>(exit.life_time).count();
  facts["last_lines"] = death->death.last_lines;
  return facts;
}

// Threads: whoever holds the GIL. After close() it takes no calls: a thread may come late.
class NativeCallPool {
 public:
  explicit NativeCallPool(std::shared_ptr<engine::CallPool> pool) : pool_(std::move(pool)) {}

  bool reserve() { return pool_ && pool_->reserve(); }
  void give_back() {
    if (pool_) pool_->give_back();
  }
  NewArgument take_memory(std::int64_t size_bytes) {
    return NewArgument(open_pool().take_memory(size_bytes));
  }
  void submit(std::uint64_t id, const nb::bytes& data, const nb::list& memories) {
    open_pool().submit(request_of(id, data, memories));
  }
  void wake() {
    if (pool_) pool_->wake();
  }
  std::string broken() const { return pool_ ? pool_->broken() : std::string(); }
  std::vector<pid_t> pids() const { return pool_ ? pool_->pids() : std::vector<pid_t>(); }
  void kill_workers() {
    if (pool_) pool_->kill_workers();
  }

  nb::list wait() {
    std::vector<engine::CallEnd> ends;
    {
      engine::CallPool& pool = open_pool();
      const nb::gil_scoped_release released;
      ends = pool.wait();
    }
    nb::list list;
    for (engine::CallEnd& end : ends) {
      nb::object memory = nb::none();
      if (end.memory) memory = nb::cast(dataset_over(std::move(end.memory)));
      list.append(nb::make_tuple(end.id, end.failed, nb::bytes(end.data.data(), end.data.size()),
                                 memory, static_cast<double>(end.nanoseconds) * 1e-9,
                                 facts_of(end.death)));
    }
    return list;
  }
  // By the thread that waited.
  void close() {
    auto pool = std::exchange(pool_, nullptr);
    const nb::gil_scoped_release released;
    pool.reset();
  }

 private:
  engine::CallPool& open_pool() const {
    if (pool_) return *pool_;
    throw Error(ErrorCode::kInvalid, "this executor is closed");
  }

  std::shared_ptr<engine::CallPool> pool_;
};

}  // namespace

void bind_calls(nb::module_& module) {
  module.attr("MOST_WORKERS") = kMaxWorkers;
  module.attr("MOST_CALL_BYTES") = ipc::kMaxCallBytes;
  module.attr("MOST_CALL_MEMORIES") = ipc::kMaxCallMemories;
  nb::class_<NewArgument>(module, "NewArgument").def("view", &NewArgument::view);
  module.def("new_argument", [](std::int64_t size_bytes) {
    return NewArgument(std::make_shared<const engine::PooledSegment>(size_bytes));
  });
  nb::class_<NativeCallPool>(module, "CallPool")
      .def(
          "__init__",
          [](NativeCallPool* self, const std::vector<std::string>& worker,
             const std::optional<std::vector<std::string>>& zygote, int workers, int retries,
             std::int64_t calls_per_worker, double stopped_seconds, const nb::bytes& initializer,
             const nb::list& memories, const std::shared_ptr<LineBuffer>& lines) {
            const std::chrono::duration<double> limit(std::min(stopped_seconds, 1e9));
            engine::CallPool::Options options{
                workers, retries, calls_per_worker,
                std::chrono::duration_cast<std::chrono::milliseconds>(limit),
                request_of(0, initializer, memories)};
            new (self) NativeCallPool(freed_by_owner(std::make_unique<engine::CallPool>(
                python_workers(worker, zygote, 0), std::move(options), engine::memory_limits(0, -1),
                LineBuffer::lines_into(lines))));
          },
          nb::arg("worker"), nb::arg("zygote").none(), nb::arg("workers"), nb::arg("retries"),
          nb::arg("calls_per_worker"), nb::arg("stopped_seconds"), nb::arg("initializer"),
          nb::arg("memories"), nb::arg("lines"))
      .def("reserve", &NativeCallPool::reserve)
      .def("give_back", &NativeCallPool::give_back)
      .def("take_memory", &NativeCallPool::take_memory)
      .def("submit", &NativeCallPool::submit)
      .def("wait", &NativeCallPool::wait)
      .def("wake", &NativeCallPool::wake)
      .def("broken", &NativeCallPool::broken)
      .def("pids", &NativeCallPool::pids)
      .def("kill_workers", &NativeCallPool::kill_workers)
      .def("close", &NativeCallPool::close);
}

}  // namespace gristmill::python
