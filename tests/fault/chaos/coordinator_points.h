#pragma once

#include "tests/fault/chaos/storm.h"

namespace gristmill::chaos {

// Kills a program with an engine (coordinator.cc) at each named point of the coordinator, looks at
// what is left of it, and runs it again in the same place. options.count rounds, in each of which
// all points are visited once, in one of their jobs and at one of their passes.
void visit_coordinator_points(const StormOptions& options, StormReport& report);

}  // namespace gristmill::chaos
