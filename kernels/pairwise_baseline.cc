#include "kernels/pairwise_loops.h"

const gristmill::kernels::Pairwise gristmill::kernels::kPairwiseBaseline =
    gristmill::kernels::pairwise("baseline");
