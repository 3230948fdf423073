#include <gristmill/result.h>

#include "engine/dataset_storage.h"
#include "engine/result_arrays.h"

namespace gristmill {

ArrayView Result::array(std::string_view name) const { return output(name)->view(); }

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
