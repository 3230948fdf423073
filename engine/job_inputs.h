#pragma once

#include <optional>
#include <vector>

#include <gristmill/dataset.h>
#include <gristmill/job.h>
#include <gristmill/kernel_info.h>

namespace gristmill::engine {

// The data of each input that the kernel declares, none for an optional one that is not given.
// Errors: kInvalid for a name that is unknown or given twice, an input that is missing, and a dtype
// or number of axes that the kernel does not take.
std::vector<std::optional<Dataset>> match_inputs(const KernelInfo& kernel,
                                                 const std::vector<Input>& given);

}  // namespace gristmill::engine
