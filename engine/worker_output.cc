#include "engine/worker_output.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "engine/printable.h"
#include "ipc/codec.h"

namespace gristmill::engine {
namespace {

constexpr std::size_t kMostBytesPerCall = std::size_t{64} << 10;
constexpr std::size_t kMostBytesPerRead = std::size_t{16} << 10;

std::string fit_for_people(std::string_view line) {
  if (line.size() <= WorkerOutput::kMostLineBytes) {
    return without_control_characters(std::string(line));
  }
  return without_control_characters(ipc::fitting(std::string(line), WorkerOutput::kMostLineBytes)) +
         "...";
}

// What a pipe says it takes, it takes at once if it is no longer than PIPE_BUF, as a line is. An
// error is an answer, too: the line goes nowhere.
bool stderr_is_ready() {
  pollfd state{STDERR_FILENO, POLLOUT, 0};
  return poll(&state, 1, 0) == 1;
}

}  // namespace

WorkerLines lines_to_stderr() {
  return {.take =
              [](int worker, std::string_view line) {
                const std::string who = worker < 0 ? "planner" : "worker " + std::to_string(worker);
                const std::string text = "gristmill: " + who + ": " + std::string(line) + "\n";
                // There is nobody to tell that it failed.
                [[maybe_unused]] const ssize_t written =
                    write(STDERR_FILENO, text.data(), text.size());
              },
          .ready = stderr_is_ready};
}

WorkerOutput::WorkerOutput(ipc::UniqueFd pipe, int worker, const WorkerLines& lines)
    : pipe_(std::move(pipe)), worker_(worker), lines_(lines) {}

bool WorkerOutput::read_some() {
  if (!pipe_) return false;
  for (std::size_t bytes = 0; bytes < kMostBytesPerCall; bytes += kMostBytesPerRead) {
    waits_ = !take_lines(/*even_if_not_ready=*/false);
    if (waits_) return false;
    if (!read_once(kMostBytesPerRead)) {
      if (closed_) waits_ = !take_unfinished_line(/*even_if_not_ready=*/false);
      return false;
    }
  }
  return true;
}

// What processes of the worker's own write after its end does not count, so that this ends.
void WorkerOutput::read_rest() {
  int there = 0;
  if (!pipe_ || ioctl(pipe_.get(), FIONREAD, &there) != 0) return;
  auto left = static_cast<std::size_t>(there);
  while (left > 0) {
    const std::size_t bytes = std::min(left, kMostBytesPerRead);
    take_lines(/*even_if_not_ready=*/true);
    if (!read_once(bytes)) break;
    left -= bytes;
  }
  take_lines(/*even_if_not_ready=*/true);
  take_unfinished_line(/*even_if_not_ready=*/true);
  waits_ = false;
}

bool WorkerOutput::read_once(std::size_t most_bytes) {
  char bytes[kMostBytesPerRead];
  const ssize_t size = read(pipe_.get(), bytes, most_bytes);
  closed_ = size == 0;
  if (size <= 0) return false;
  waiting_.append(bytes, static_cast<std::size_t>(size));
  return true;
}

// False: somebody must be ready first. What is left is the beginning of a line, and short.
bool WorkerOutput::take_lines(bool even_if_not_ready) {
  std::string_view rest = waiting_;
  bool ready = true;
  for (std::size_t end = 0; (end = rest.find('\n')) != std::string_view::npos;) {
    ready = in_cut_line_ || take_line(rest.substr(0, end), even_if_not_ready);
    if (!ready) break;
    in_cut_line_ = false;
    rest.remove_prefix(end + 1);
  }
  if (ready && !in_cut_line_ && rest.size() > kMostLineBytes) {
    ready = in_cut_line_ = take_line(rest, even_if_not_ready);
  }
  if (in_cut_line_) rest = {};
  waiting_.erase(0, waiting_.size() - rest.size());
  return ready;
}

bool WorkerOutput::take_unfinished_line(bool even_if_not_ready) {
  if (waiting_.empty()) return true;
  if (!take_line(waiting_, even_if_not_ready)) return false;
  waiting_.clear();
  return true;
}

bool WorkerOutput::take_line(std::string_view text, bool even_if_not_ready) {
  const bool ready = lines_.ready();
  if (!ready && !even_if_not_ready) return false;
  last_.push_back(fit_for_people(text));
  if (last_.size() > kMostLastLines) last_.pop_front();
  (ready ? lines_.take : lines_.take_late)(worker_, last_.back());
  return true;
}

}  // namespace gristmill::engine
