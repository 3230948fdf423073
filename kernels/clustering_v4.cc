#include "kernels/clustering_loops.h"

const gristmill::kernels::ClusteringLoops gristmill::kernels::kClusteringV4 =
    gristmill::kernels::clustering("x86-64-v4");
