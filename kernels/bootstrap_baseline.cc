#include "kernels/bootstrap_loops.h"

const gristmill::kernels::BootstrapLoops gristmill::kernels::kBootstrapBaseline =
    gristmill::kernels::bootstrap("baseline");
