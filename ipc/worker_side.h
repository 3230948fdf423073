#pragma once

#include "ipc/channel.h"

namespace gristmill::ipc {

// A worker that returns ends with 0. One that ends because the coordinator or another worker broke
// the protocol ends with this.
inline constexpr int kProtocolFailure = 71;

// All that a worker does, at its end of the channel, until the coordinator is gone. Defined in
// workers/: the engine, which may run it on a thread of its own process, knows this line and no
// more.
// Errors: kInternal when the coordinator or another worker broke the protocol.
void run_worker(Channel end);

}  // namespace gristmill::ipc
