#include "kernels/clustering_loops.h"

const gristmill::kernels::ClusteringLoops gristmill::kernels::kClusteringV3 =
    gristmill::kernels::clustering("x86-64-v3");
