#include <gristmill/result.h>

#include <algorithm>
#include <cstring>

#include "engine/dataset_storage.h"
#include "engine/result_arrays.h"
#include "engine/sealed_copy.h"

namespace gristmill {

ArrayView Result::array(std::string_view name) const { return output(name)->view(); }

std::vector<ArrayView> Result::parts(std::string_view name) const { return output(name)->parts(); }

Dataset Result::concatenated(std::string_view name) const {
  const auto& array = output(name);
  const std::vector<ArrayView> parts = array->parts();
  std::vector<std::int64_t> ends;
  std::int64_t end = 0;
  for (const ArrayView& part : parts) ends.push_back(end += part.size_bytes());
  const auto fill = [&](std::int64_t offset, std::span<std::byte> filled) {
    // The part that the first byte is in, then its followers.
    auto index =
        static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), offset) - ends.begin());
    while (!filled.empty()) {
      const std::int64_t begin = ends[index] - parts[index].size_bytes();
      const auto size = std::min(filled.size(), static_cast<std::size_t>(ends[index] - offset));
      std::memcpy(filled.data(),
                  static_cast<const std::byte*>(parts[index].data()) + (offset - begin), size);
      filled = filled.subspan(size);
      offset += static_cast<std::int64_t>(size);
      ++index;
    }
  };
  const ipc::Segment sealed =
      engine::sealed_copy(array->size_bytes(), engine::describe_output(array->name()), fill);
  return Dataset(std::make_shared<const DatasetStorage>(sealed, array->dtype(), array->shape()));
}

Dataset Result::dataset(std::string_view name) const {
  return Dataset(std::make_shared<const DatasetStorage>(output(name)));
}

const std::shared_ptr<engine::OutputArray>& Result::output(std::string_view name) const {
  if (error_) throw *error_;
  if (outcome_ == Outcome::kCancelled) {
    throw Error(ErrorCode::kFailed, "the job was cancelled and has no results");
  }
  const auto& outputs = arrays_->outputs();
  if (name.empty() && outputs.size() == 1) return outputs[0];
  std::vector<std::string> known;
  for (const auto& output : outputs) {
    if (output->name() == name) return output;
    known.push_back(output->name());
  }
  throw unknown_name("output", name, known);
}

}  // namespace gristmill
