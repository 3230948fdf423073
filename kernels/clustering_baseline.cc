#include "kernels/clustering_loops.h"

const gristmill::kernels::ClusteringLoops gristmill::kernels::kClusteringBaseline =
    gristmill::kernels::clustering("baseline");
