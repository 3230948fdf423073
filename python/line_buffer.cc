#include "python/line_buffer.h"

#include <sys/eventfd.h>

#include <cerrno>
#include <utility>

#include "ipc/system_error.h"

namespace gristmill::python {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20;
constexpr std::size_t kMostBytesWithLate = std::size_t{16} << 20;
constexpr std::size_t kLineBytes = 64;  // of a line, beside its text

ipc::UniqueFd blocking_eventfd() {
  ipc::UniqueFd fd(eventfd(0, EFD_CLOEXEC));
  if (!fd) throw ipc::system_error("take the lines that workers write", errno);
  return fd;
}

std::string missing_lines(std::int64_t count) {
  return "(" + std::to_string(count) + (count == 1 ? " line is" : " lines are") +
         " missing here: nobody took those in front of them)";
}

}  // namespace

LineBuffer::LineBuffer() : bell_(blocking_eventfd()) {}

engine::WorkerLines LineBuffer::lines_into(const std::shared_ptr<LineBuffer>& buffer) {
  const auto add = [buffer](int worker, std::string_view line) { buffer->add(worker, line); };
  return {.take = add, .ready = [buffer] { return buffer->ready(); }, .take_late = add};
}

bool LineBuffer::ready() const {
  if (!is_ours()) return false;
  {
    const std::lock_guard lock(mutex_);
    if (!ended_) return bytes_ < kMostBytes;
  }
  return engine::lines_to_stderr().ready();
}

void LineBuffer::add(int worker, std::string_view line) {
  if (!is_ours() || keep(worker, line)) return;
  const engine::WorkerLines direct = engine::lines_to_stderr();
  if (direct.ready()) direct.take(worker, line);
}

// False: it is too late for that.
bool LineBuffer::keep(int worker, std::string_view line) {
  const std::lock_guard lock(mutex_);
  if (ended_) return false;
  if (bytes_ >= kMostBytesWithLate) {
    ++missing_[worker];
    return true;
  }
  if (lines_.empty()) bell_.ring();
  lines_.push_back({worker, std::string(line)});
  bytes_ += line.size() + kLineBytes;
  ++arrived_;
  return true;
}

LineBuffer::Taken LineBuffer::take() {
  if (!is_ours()) return {.lines = {}, .last = true};
  const std::lock_guard lock(mutex_);
  Taken taken{std::exchange(lines_, {}), arrived_, ended_};
  bytes_ = 0;
  for (const auto& [worker, count] : std::exchange(missing_, {})) {
    taken.lines.push_back({worker, missing_lines(count)});
  }
  return taken;
}

std::uint64_t LineBuffer::arrived() const {
  if (!is_ours()) return 0;
  const std::lock_guard lock(mutex_);
  return arrived_;
}

void LineBuffer::end() {
  if (!is_ours()) return;
  const std::lock_guard lock(mutex_);
  ended_ = true;
  bell_.ring();
}

}  // namespace gristmill::python
