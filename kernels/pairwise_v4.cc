#include "kernels/pairwise_loops.h"

const gristmill::kernels::Pairwise gristmill::kernels::kPairwiseV4 =
    gristmill::kernels::pairwise("x86-64-v4");
