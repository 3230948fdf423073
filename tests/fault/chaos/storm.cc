#include "tests/fault/chaos/storm.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <sstream>
#include <thread>

#include "tests/plugins/moment.h"
#include "tests/support/leak_oracle.h"
#include "tests/support/watchdog.h"

namespace gristmill::chaos {
namespace {

constexpr std::size_t kMostNotes = 20;

std::string quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') quoted += '\\';
    // Text of damaged reports may have any bytes.
    quoted += letter < ' ' || letter > '~' ? ' ' : letter;
  }
  return quoted + "\"";
}

const char* name_of(Figure::Bound bound) {
  switch (bound) {
    case Figure::Bound::kEqual:
      return "=";
    case Figure::Bound::kAtLeast:
      return ">=";
    case Figure::Bound::kAtMost:
      return "<=";
    case Figure::Bound::kNone:
      break;
  }
  return "";
}

// Else the sanitizers turn signals of workers into exit codes.
void leave_signals_to_workers() {
  const char* before = std::getenv("ASAN_OPTIONS");
  const std::string text = before == nullptr ? "" : std::string(before) + ":";
  setenv("ASAN_OPTIONS",
         (text + "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_abort=0").c_str(), 1);
}

// A joined thread stays in /proc for a moment.
std::string what_is_left(const test::Belongings& before) {
  std::string left;
  for (int look = 0; look < 5000; ++look) {
    left = test::Belongings::compare(before, test::Belongings::now());
    if (left.empty()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return left;
}

}  // namespace

bool Figure::met() const {
  switch (bound) {
    case Bound::kEqual:
      return value == limit;
    case Bound::kAtLeast:
      return value >= limit;
    case Bound::kAtMost:
      return value <= limit;
    case Bound::kNone:
      break;
  }
  return true;
}

StormReport::StormReport(std::string storm, const StormOptions& options)
    : storm_(std::move(storm)), options_(options), started_(test::nanoseconds_now()) {}

void StormReport::add(std::string what, double value, std::string unit) {
  figures_.push_back({std::move(what), value, std::move(unit)});
}

void StormReport::expect(std::string what, double value, Figure::Bound bound, double limit,
                         std::string unit) {
  figures_.push_back({std::move(what), value, std::move(unit), bound, limit});
}

void StormReport::note(std::string what) {
  if (notes_.size() < kMostNotes) notes_.push_back(std::move(what));
}

bool StormReport::met() const {
  return std::all_of(figures_.begin(), figures_.end(), [](const Figure& f) { return f.met(); });
}

bool StormReport::met_apart_from_times() const {
  return std::all_of(figures_.begin(), figures_.end(),
                     [](const Figure& f) { return f.met() || f.unit == "s" || f.unit == "ms"; });
}

std::string StormReport::json() const {
  std::ostringstream text;
  text.precision(12);
  text << "{\"storm\": " << quoted(storm_) << ", \"seed\": " << options_.seed
       << ", \"count\": " << options_.count
       << ", \"seconds\": " << static_cast<double>(test::nanoseconds_now() - started_) * 1e-9
       << ", \"met\": " << (met() ? "true" : "false") << ", \"figures\": [";
  const char* between = "";
  for (const Figure& figure : figures_) {
    text << between << "{\"what\": " << quoted(figure.what) << ", \"value\": " << figure.value
         << ", \"unit\": " << quoted(figure.unit)
         << ", \"bound\": " << quoted(name_of(figure.bound)) << ", \"limit\": " << figure.limit
         << ", \"met\": " << (figure.met() ? "true" : "false") << "}";
    between = ", ";
  }
  text << "], \"notes\": [";
  between = "";
  for (const std::string& note : notes_) {
    text << between << quoted(note);
    between = ", ";
  }
  text << "]}";
  return text.str();
}

const std::vector<Storm>& storms() {
  static const std::vector<Storm> kAll = {
      {"kills", "SIGKILLs of workers at random instants", 200, 10'000, run_kills},
      {"points", "SIGKILL of a worker, or the coordinator, at each named point; COUNT rounds", 1,
       20, run_points},
      {"corruption", "random writes over all that a worker may write", 100'000, 10'000'000,
       run_corruption},
      {"guilty", "chunks that crash, exit, hang, eat memory or damage their queue", 70, 1000,
       run_guilty},
      {"leftovers", "SIGKILL of everything", 20, 1000, run_leftovers},
      {"latency", "from a death to the next chunk, from a deadline to the kill", 50, 500,
       run_latency},
      {"poison", "a chunk among 10,000 that always crashes; COUNT rounds", 5, 25, run_poison},
      {"steady", "a kill each second; COUNT seconds", 10, 60, run_steady},
  };
  return kAll;
}

StormReport run_storm(const Storm& storm, StormOptions options) {
  if (options.count <= 0) options.count = storm.short_count;
  leave_signals_to_workers();
  test::Watchdog::restart();
  const test::Belongings before = test::Belongings::now();
  StormReport report = storm.run(options);
  const std::string left = what_is_left(before);
  if (!left.empty()) report.note(left);
  report.expect("left behind in the coordinator's process", left.empty() ? 0 : 1,
                Figure::Bound::kEqual, 0);
  return report;
}

}  // namespace gristmill::chaos
