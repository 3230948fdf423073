#include "kernels/binning_loops.h"

const gristmill::kernels::BinningLoops gristmill::kernels::kBinningV4 =
    gristmill::kernels::binning("x86-64-v4");
