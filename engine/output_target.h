#pragma once

#include <span>

#include <gristmill/job.h>

#include "engine/file_id.h"

namespace gristmill::engine {

// Everything about the paths of outputs that can be known before a job is started. Outputs without
// a path are passed over. What others do to the paths later is told by FileOutput. inputs: the
// files that the job reads. Errors: kInvalid, naming the path: no file name, the folder is missing
// or no folder or not writable, what is there is no regular file or must not be replaced or is an
// input (also through a symbolic or hard link), two outputs with the same path.
void check_output_targets(std::span<const Output> outputs, bool replace_existing,
                          std::span<const FileId> inputs);

}  // namespace gristmill::engine
