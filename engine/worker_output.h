#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/unique_fd.h"

namespace gristmill::engine {

// Who takes the lines that workers write.
struct WorkerLines {
  // As EngineOptions::worker_output has it.
  std::function<void(int worker, std::string_view line)> take = [](int, std::string_view) {};
  // False: a line would have to wait; it stays with its worker.
  std::function<bool()> ready = [] { return true; };
  // Gets what somebody would have to be ready for when its worker has ended.
  std::function<void(int worker, std::string_view line)> take_late = [](int, std::string_view) {};
};

// Lines go to stderr as "gristmill: worker 3: text", each in one write. Never blocks.
WorkerLines lines_to_stderr();

// What one worker writes to stdout and stderr, as lines: without control characters, and cut if
// they are longer than kMostLineBytes.
// Owns: the reading end of its pipe.
// Cost: a bounded time and memory, however much a worker writes: what is not read fills the pipe,
// and the worker waits in its own write.
class WorkerOutput {
 public:
  static constexpr std::size_t kMostLineBytes = 1000;
  static constexpr std::size_t kMostLastLines = 20;

  // pipe: a reading end that does not block; may be none. Lifetime: lines outlive this.
  WorkerOutput(ipc::UniqueFd pipe, int worker, const WorkerLines& lines);

  // Readable when there may be something to read, or nothing more will come; -1: none.
  int fd() const { return pipe_.get(); }

  // Takes a bounded part of what is there. True: some of it could be taken at once.
  bool read_some();
  // Some lines wait until somebody is ready for them; no descriptor tells when.
  bool waits() const { return waits_; }
  // Takes all that was written so far, an unfinished line included. For a worker that has ended:
  // lines that nobody is ready for are late ones.
  void read_rest();

  // The last lines read, oldest first.
  std::vector<std::string> last_lines() const { return {last_.begin(), last_.end()}; }

 private:
  bool read_once(std::size_t most_bytes);
  bool take_lines(bool even_if_not_ready);
  bool take_unfinished_line(bool even_if_not_ready);
  bool take_line(std::string_view text, bool even_if_not_ready);

  ipc::UniqueFd pipe_;
  const int worker_;
  const WorkerLines& lines_;
  std::string waiting_;       // read, and not yet taken
  bool in_cut_line_ = false;  // waiting_ begins with the rest of a line that was cut
  bool closed_ = false;       // nobody can write any more
  bool waits_ = false;
  std::deque<std::string> last_;
};

}  // namespace gristmill::engine
