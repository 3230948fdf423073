#pragma once

#include <chrono>
#include <string>

#include <gristmill/job.h>

#include "cli/arguments.h"

namespace gristmill::cli {

// A job's progress on stderr: a bar that redraws itself, or a plain line every few seconds.
// kAuto is a bar on a terminal and plain lines elsewhere.
// Errors: none; what cannot be written is dropped.
class ProgressDisplay {
 public:
  ProgressDisplay(ProgressMode mode, std::string title);
  // Wipes the bar.
  ~ProgressDisplay();
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  // Call it often: draws when it is time to.
  void show(const Progress& progress);

 private:
  using Clock = std::chrono::steady_clock;

  ProgressMode mode_;
  std::string title_;
  Clock::time_point next_draw_;
  bool drawn_ = false;
};

// " 43 %  73,560 of 171,075 items  12,260 items/s  8 s left"
std::string progress_text(const Progress& progress);

}  // namespace gristmill::cli
