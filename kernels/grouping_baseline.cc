#include "kernels/grouping_loops.h"

const gristmill::kernels::GroupingLoops gristmill::kernels::kGroupingBaseline =
    gristmill::kernels::grouping("baseline");
