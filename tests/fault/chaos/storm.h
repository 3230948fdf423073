#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gristmill/engine.h>

namespace gristmill::chaos {

// What is asked of a storm.
struct StormOptions {
  std::uint64_t seed = 1;
  std::int64_t count = 0;  // of what the storm counts; 0: as many as its short form has
};

// One number that was really counted or measured, and what it should be.
struct Figure {
  enum class Bound { kNone, kEqual, kAtLeast, kAtMost };

  std::string what;
  double value = 0;
  std::string unit = {};
  Bound bound = Bound::kNone;
  double limit = 0;

  bool met() const;
};

class StormReport {
 public:
  StormReport(std::string storm, const StormOptions& options);

  void add(std::string what, double value, std::string unit = {});
  void expect(std::string what, double value, Figure::Bound bound, double limit,
              std::string unit = {});
  // What was seen that should not have been, for whoever looks into it.
  void note(std::string what);

  bool met() const;
  // On a machine where others work as well, times say nothing.
  bool met_apart_from_times() const;
  const std::vector<std::string>& notes() const { return notes_; }
  // One line.
  std::string json() const;

 private:
  std::string storm_;
  StormOptions options_;
  std::int64_t started_;
  std::vector<Figure> figures_;
  std::vector<std::string> notes_;
};

struct Storm {
  const char* name;
  const char* summary;
  std::int64_t short_count;
  std::int64_t full_count;
  StormReport (*run)(const StormOptions& options);
};

StormReport run_kills(const StormOptions& options);
StormReport run_points(const StormOptions& options);
StormReport run_corruption(const StormOptions& options);
StormReport run_guilty(const StormOptions& options);
StormReport run_leftovers(const StormOptions& options);
StormReport run_latency(const StormOptions& options);
StormReport run_poison(const StormOptions& options);
StormReport run_steady(const StormOptions& options);

// All of them.
const std::vector<Storm>& storms();

// Runs a storm under the watchdog and looks for what it leaves behind.
StormReport run_storm(const Storm& storm, StormOptions options);

}  // namespace gristmill::chaos
