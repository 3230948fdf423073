#include "kernels/bootstrap_loops.h"

const gristmill::kernels::BootstrapLoops gristmill::kernels::kBootstrapV4 =
    gristmill::kernels::bootstrap("x86-64-v4");
