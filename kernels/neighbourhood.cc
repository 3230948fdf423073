#include "kernels/neighbourhood.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <sstream>
#include <string>

namespace gristmill::kernels {
namespace {

constexpr const char* kEdges[] = {"valid", "nearest", "periodic"};

std::string counted(std::size_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

Edges edges_called(std::string_view word) {
  const auto found = std::find(std::begin(kEdges), std::end(kEdges), word);
  if (found == std::end(kEdges)) {
    throw kernel::Invalid("unknown edges \"" + std::string(word) + "\"",
                          "Known are \"valid\", \"nearest\", \"periodic\".");
  }
  return static_cast<Edges>(found - std::begin(kEdges));
}

std::vector<Edges> edges_in(std::string_view text) {
  std::vector<Edges> all;
  while (true) {
    const std::size_t comma = text.find(',');
    std::string_view word = text.substr(0, comma);
    word.remove_prefix(std::min(word.find_first_not_of(' '), word.size()));
    word.remove_suffix(word.size() - (word.find_last_not_of(' ') + 1));
    all.push_back(edges_called(word));
    if (comma == std::string_view::npos) return all;
    text.remove_prefix(comma + 1);
  }
}

std::int64_t size_of(double number) {
  if (!(number >= 1 && number <= static_cast<double>(Neighbourhood::kMostElements)) ||
      std::fmod(number, 2) != 1) {
    std::ostringstream text;
    text << "parameter \"size\" has " << number << ", which is not an odd whole number from 1 to "
         << Neighbourhood::kMostElements;
    throw kernel::Invalid(text.str(), "An element lies in the middle of its neighbourhood.");
  }
  return static_cast<std::int64_t>(number);
}

// One for all axes, or one for each.
void require_count(const char* parameter, std::size_t count, const char* what, std::size_t axes) {
  if (count == 1 || count == axes) return;
  throw kernel::Invalid(std::string("parameter \"") + parameter + "\" has " + counted(count, what) +
                            ", input \"grid\" has " +
                            (axes == 1 ? "1 axis" : std::to_string(axes) + " axes"),
                        "Give one for all axes, or one for each.");
}

void require_output(const WindowAxis& axis, std::size_t number) {
  if (axis.output_length() >= 1 || axis.edges != Edges::kValid) return;
  throw kernel::Invalid("axis " + std::to_string(number) + " of input \"grid\" has a length of " +
                            std::to_string(axis.length) + ", less than the neighbourhood's " +
                            std::to_string(axis.size),
                        "With edges \"nearest\" or \"periodic\" it may be shorter.");
}

}  // namespace

std::int64_t WindowAxis::element_at(std::int64_t place) const {
  if (edges == Edges::kValid) return place;
  const std::int64_t element = place - size / 2;
  if (edges == Edges::kNearest) return std::clamp(element, std::int64_t{0}, length - 1);
  const std::int64_t remainder = element % length;
  return remainder < 0 ? remainder + length : remainder;
}

std::int64_t WindowAxis::consecutive(std::int64_t place, std::int64_t end) const {
  if (edges == Edges::kValid) return end - place;
  const std::int64_t before = place - size / 2;
  if (edges == Edges::kNearest && (before < 0 || before >= length)) return 1;
  return std::min(end - place, length - element_at(place));
}

Neighbourhood::Neighbourhood(const kernel::Input& grid, std::span<const double> sizes,
                             std::string_view edges) {
  if (grid.rank() < 1 || grid.rank() > kMostAxes) {
    throw kernel::Invalid("input \"grid\" has " + std::to_string(grid.rank()) + " axes, not 1 to " +
                          std::to_string(kMostAxes));
  }
  const std::size_t rank = grid.rank();
  const std::vector<Edges> of_axes = edges_in(edges);
  if (sizes.empty()) throw kernel::Invalid("parameter \"size\" is empty");
  require_count("size", sizes.size(), "number", rank);
  require_count("edges", of_axes.size(), "word", rank);
  for (std::size_t k = 0; k < rank; ++k) {
    axes_.push_back({grid.shape(static_cast<std::uint32_t>(k)),
                     size_of(sizes[sizes.size() == 1 ? 0 : k]),
                     of_axes[of_axes.size() == 1 ? 0 : k]});
    require_output(axes_.back(), k);
    elements_ *= axes_.back().size;
    if (elements_ > kMostElements) {
      throw kernel::Invalid("parameter \"size\" makes a neighbourhood of more than " +
                            std::to_string(kMostElements) + " elements");
    }
  }
}

std::vector<std::int64_t> Neighbourhood::output_shape() const {
  std::vector<std::int64_t> shape;
  for (const WindowAxis& axis : axes_) shape.push_back(axis.output_length());
  return shape;
}

}  // namespace gristmill::kernels
