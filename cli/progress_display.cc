#include "cli/progress_display.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <gristmill/format.h>

#include "cli/quantity_text.h"

namespace gristmill::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kWidestBar = 40;
constexpr std::size_t kNarrowestBar = 5;

ProgressMode resolved(ProgressMode mode) {
  if (mode != ProgressMode::kAuto) {
    return mode;
  }
  const char* terminal = std::getenv("TERM");
  const bool can_redraw = terminal != nullptr && std::string_view(terminal) != "dumb";
  return can_redraw && isatty(STDERR_FILENO) == 1 ? ProgressMode::kBar : ProgressMode::kPlain;
}

std::size_t terminal_width() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

std::int64_t percent_done(const Progress& progress) {
  return progress.items_total == 0 ? 0 : 100 * progress.items_done / progress.items_total;
}

std::string time_left(const Progress& progress) {
  const auto items_left = static_cast<double>(progress.items_total - progress.items_done);
  const double seconds_per_item =
      progress.elapsed.count() / static_cast<double>(progress.items_done);
  const double seconds = std::ceil(items_left * seconds_per_item);
  return seconds < 100 ? fmt::format("{} s", seconds)
                       : duration_text(std::chrono::duration<double>(seconds));
}

// title [#####-----] text, no wider than the terminal.
std::string bar_line(const std::string& title, const Progress& progress) {
  const std::string text = progress_text(progress);
  const std::size_t width = terminal_width() - 1;
  const std::size_t taken = title.size() + text.size() + 5;
  std::string line = title + "  " + text;
  if (taken + kNarrowestBar <= width) {
    const std::size_t cells = std::min(width - taken, kWidestBar);
    const std::size_t full = cells * static_cast<std::size_t>(percent_done(progress)) / 100;
    line = fmt::format("{} [{:#<{}}{:-<{}}] {}", title, "", full, "", cells - full, text);
  }
  return line.substr(0, width);
}

}  // namespace

std::string progress_text(const Progress& progress) {
  if (progress.items_total == 0) {
    return "planning";
  }
  std::string text =
      fmt::format("{:3} %  {} of {} items", percent_done(progress),
                  format_count(progress.items_done), format_count(progress.items_total));
  if (progress.items_done > 0) {
    text += fmt::format("  {}  {} left", rate_text(progress.items_done, progress.elapsed),
                        time_left(progress));
  }
  if (progress.workers_stopped > 0) {
    text += fmt::format("  {} stopped", count_text(progress.workers_stopped, "worker"));
  }
  return text;
}

ProgressDisplay::ProgressDisplay(ProgressMode mode, std::string title)
    : mode_(resolved(mode)),
      title_(std::move(title)),
      next_draw_(Clock::now() +
                 (mode_ == ProgressMode::kBar ? Clock::duration(200ms) : Clock::duration(5s))) {}

ProgressDisplay::~ProgressDisplay() {
  if (drawn_ && mode_ == ProgressMode::kBar) {
    std::fputs("\r\x1b[K", stderr);
  }
}

void ProgressDisplay::show(const Progress& progress) {
  const auto now = Clock::now();
  if (mode_ == ProgressMode::kNone || now < next_draw_) {
    return;
  }
  if (mode_ == ProgressMode::kBar) {
    std::fputs(fmt::format("\r{}\x1b[K", bar_line(title_, progress)).c_str(), stderr);
    next_draw_ = now + 100ms;
  } else {
    std::fputs(fmt::format("{}: {}\n", title_, progress_text(progress)).c_str(), stderr);
    next_draw_ = now + 5s;
  }
  drawn_ = true;
}

}  // namespace gristmill::cli
