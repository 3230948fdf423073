#pragma once

#include <memory>
#include <vector>

#include "engine/output.h"

namespace gristmill {

// The outputs of an ended job. Owns: their memory.
class ResultArrays {
 public:
  explicit ResultArrays(std::vector<std::shared_ptr<engine::OutputArray>> outputs)
      : outputs_(std::move(outputs)) {}
  const std::vector<std::shared_ptr<engine::OutputArray>>& outputs() const { return outputs_; }

 private:
  std::vector<std::shared_ptr<engine::OutputArray>> outputs_;
};

}  // namespace gristmill
