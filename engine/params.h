#pragma once

#include <map>
#include <string>
#include <vector>

#include <gristmill/job.h>
#include <gristmill/kernel_info.h>

namespace gristmill::engine {

// The values of all declared parameters in their order, each of its declared type: what was given,
// else the default. A string that was given is read as the declared type; an int stands for a
// float. Errors: kInvalid for a name that is not declared and for a value that is not of the type.
std::vector<ParamValue> resolve_params(const KernelInfo& kernel,
                                       const std::map<std::string, ParamValue>& given);

}  // namespace gristmill::engine
