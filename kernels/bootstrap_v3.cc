#include "kernels/bootstrap_loops.h"

const gristmill::kernels::BootstrapLoops gristmill::kernels::kBootstrapV3 =
    gristmill::kernels::bootstrap("x86-64-v3");
