#include "kernels/pairwise_loops.h"

const gristmill::kernels::Pairwise gristmill::kernels::kPairwiseV3 =
    gristmill::kernels::pairwise("x86-64-v3");
