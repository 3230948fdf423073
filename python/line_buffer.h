#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "engine/worker_output.h"
#include "ipc/doorbell.h"

namespace gristmill::python {

// Lines of workers on their way from an engine's thread to one that has the GIL.
// Threads and processes: safe to use from any thread; nothing waits in it, nor for the GIL. In a
// forked child, which has no such threads and may have its mutex locked, it does nothing.
// Lifetime: nobody needs the GIL to let go of it, because it knows its own shared_ptr.
// Cost: bounded memory. What does not fit stays with its worker; what does not fit when that has
// ended is missing, and a line says so.
class LineBuffer : public std::enable_shared_from_this<LineBuffer> {
 public:
  struct Line {
    int worker;
    std::string text;
  };
  struct Taken {
    std::vector<Line> lines;
    std::uint64_t arrived = 0;  // lines that have come so far, these included
    bool last = false;          // no others will come
  };

  // Errors: kResources when there is no descriptor left.
  LineBuffer();

  // Lines of an engine come here and, after end(), go where engine::lines_to_stderr() has them.
  static engine::WorkerLines lines_into(const std::shared_ptr<LineBuffer>& buffer);

  // A blocking eventfd, to be read before take().
  int fd() const { return bell_.fd(); }
  Taken take();
  std::uint64_t arrived() const;
  void end();

 private:
  bool is_ours() const { return getpid() == pid_; }
  bool ready() const;
  void add(int worker, std::string_view line);
  bool keep(int worker, std::string_view line);

  const pid_t pid_ = getpid();
  const ipc::Doorbell bell_;
  mutable std::mutex mutex_;
  std::vector<Line> lines_;
  std::size_t bytes_ = 0;
  std::uint64_t arrived_ = 0;
  std::map<int, std::int64_t> missing_;  // by worker
  bool ended_ = false;
};

}  // namespace gristmill::python
