#include "kernels/tally.h"

#include <algorithm>
#include <cstdint>
#include <span>

namespace gristmill::kernels {
namespace {

template <class Word>
void add_copies(const kernel::Finish& finish, std::int64_t bins) {
  const TallyLayout layout = tally_layout(bins);
  const auto tally = finish.accumulator<Word>();
  const auto count = finish.output<Word>("count");
  std::copy_n(tally.begin() + kTallyHeader, bins, count.begin());
  for (int copy = 1; copy < layout.copies; ++copy) {
    const auto words = tally.subspan(static_cast<std::size_t>(kTallyHeader + copy * layout.stride));
    for (std::size_t i = 0; i < count.size(); ++i) count[i] += words[i];
  }
}

}  // namespace

template <class Word>
void merge_tallies(const kernel::Merge& merge) {
  merge.into<std::int64_t>()[0] += merge.from<std::int64_t>()[0];
  const auto into = merge.into<Word>().subspan(kTallyHeader);
  const auto from = merge.from<Word>().subspan(kTallyHeader);
  for (std::size_t i = 0; i < into.size(); ++i) into[i] += from[i];
}

template <class Word>
void finish_tally(const kernel::Finish& finish, const Bins& bins) {
  if (finish.wanted("count")) add_copies<Word>(finish, bins.count);
  if (finish.wanted("edges")) {
    const auto edges = finish.output<double>("edges");
    for (std::size_t i = 0; i < edges.size(); ++i) {
      edges[i] = edge(bins, static_cast<std::int64_t>(i));
    }
  }
  if (finish.wanted("outside")) {
    finish.output<std::int64_t>("outside")[0] = finish.accumulator<std::int64_t>()[0];
  }
}

template void merge_tallies<std::int64_t>(const kernel::Merge&);
template void merge_tallies<double>(const kernel::Merge&);
template void finish_tally<std::int64_t>(const kernel::Finish&, const Bins&);
template void finish_tally<double>(const kernel::Finish&, const Bins&);

}  // namespace gristmill::kernels
