#include "kernels/grouping_loops.h"

const gristmill::kernels::GroupingLoops gristmill::kernels::kGroupingV4 =
    gristmill::kernels::grouping("x86-64-v4");
