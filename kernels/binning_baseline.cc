#include "kernels/binning_loops.h"

const gristmill::kernels::BinningLoops gristmill::kernels::kBinningBaseline =
    gristmill::kernels::binning("baseline");
