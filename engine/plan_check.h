#pragma once

#include <gristmill/kernel_info.h>

#include "ipc/messages.h"

namespace gristmill::engine {

// A kernel's plan is a worker's message: believed only as far as it makes sense.
// Errors: kFailed, naming the kernel, and the output that is wrong.
void require_sensible(const KernelInfo& kernel, const ipc::KernelRequest& request,
                      const ipc::Planned& planned);

}  // namespace gristmill::engine
