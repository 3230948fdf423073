#include "kernels/binning_loops.h"

const gristmill::kernels::BinningLoops gristmill::kernels::kBinningV3 =
    gristmill::kernels::binning("x86-64-v3");
