#include "bench/figure.h"

#include <cmath>
#include <fstream>
#include <stdexcept>

#include <fmt/format.h>

namespace gristmill::bench {
namespace {

// Our own texts: quotes and backslashes are all that can be wrong with them.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') out += '\\';
    out += letter;
  }
  return out + '"';
}

std::string number(double value) {
  return std::isfinite(value) ? fmt::format("{:.6g}", value) : "null";
}

std::string target_in_words(const Figure& figure) {
  if (!figure.target) return "";
  return fmt::format("{} {:.4g}", figure.target->bound == Target::Bound::kAtMost ? "<=" : ">=",
                     figure.target->limit);
}

std::string details_of(const Figure& figure) {
  std::string entries;
  for (const auto& [name, value] : figure.details) {
    entries += (entries.empty() ? "" : ",") + quoted(name) + ":" + number(value);
  }
  return entries;
}

std::string json_of(const Figure& figure, const Options& options) {
  std::string target = "null";
  if (figure.target) {
    target = fmt::format(R"({{"bound":"{}","limit":{}}})",
                         figure.target->bound == Target::Bound::kAtMost ? "at_most" : "at_least",
                         number(figure.target->limit));
  }
  const Quality& quality = figure.quality;
  return fmt::format(
      R"({{"what":{},"value":{},"unit":{},"target":{},"status":"{}","note":{},)"
      R"("rounds":{},"thrown_away":{},"foreign_cpu":{},"steal":{},"details":{{{}}}}})",
      quoted(figure.what), number(figure.value), quoted(figure.unit), target,
      status_of(figure, options), quoted(figure.note), quality.rounds, quality.thrown_away,
      number(quality.worst.foreign), number(quality.worst.steal), details_of(figure));
}

}  // namespace

std::string status_of(const Figure& figure, const Options& options) {
  if (options.smoke) return "smoke";
  if (figure.quality.noisy) return "noisy";
  if (!figure.target) return "-";
  return figure.target->met_by(figure.value) ? "ok" : "missed";
}

void print_figures(const std::vector<Figure>& figures, const Options& options) {
  for (const Figure& figure : figures) {
    fmt::print("{:<58} {:>10.4g} {:<4} {:<10} {}\n", figure.what, figure.value, figure.unit,
               target_in_words(figure), status_of(figure, options));
    if (!figure.note.empty()) fmt::print("    {}\n", figure.note);
    for (const auto& [name, value] : figure.details) fmt::print("    {}: {:.5g}\n", name, value);
    if (figure.quality.rounds == 0) continue;
    fmt::print(
        "    {} rounds, {} thrown away; others took at most {:.1f} % of the CPUs, the host {:.1f} "
        "%{}\n",
        figure.quality.rounds, figure.quality.thrown_away, 100 * figure.quality.worst.foreign,
        100 * figure.quality.worst.steal,
        figure.quality.noisy ? ": never quiet, these were the quietest" : "");
  }
}

void write_json(const std::vector<Figure>& figures, const Options& options) {
  if (options.json_file.empty()) return;
  std::ofstream file(options.json_file);
  file << "[";
  const char* separator = "\n  ";
  for (const Figure& figure : figures) {
    file << separator << json_of(figure, options);
    separator = ",\n  ";
  }
  file << "\n]\n";
  if (!file.flush()) throw std::runtime_error("could not write \"" + options.json_file + "\"");
}

}  // namespace gristmill::bench
