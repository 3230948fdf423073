#pragma once

#include <gristmill/kernel.h>

#include "ipc/messages.h"

namespace gristmill::workers {

// Asks a kernel for its plan, and fills in what the host finds out by itself: items, tiles, and
// bytes per item. Errors: what the kernel says; kFailed for an answer that makes no sense.
ipc::Planned plan_kernel(const gm_kernel& kernel, const ipc::KernelRequest& request);

}  // namespace gristmill::workers
