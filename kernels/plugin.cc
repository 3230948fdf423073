#include <gristmill/kernel.hpp>

#include "kernels/bootstrap.h"
#include "kernels/copy.h"
#include "kernels/describe.h"
#include "kernels/group_stats.h"
#include "kernels/histogram.h"
#include "kernels/kmeans_step.h"
#include "kernels/loop.h"
#include "kernels/mean_distance.h"
#include "kernels/nearest.h"
#include "kernels/pair_histogram.h"
#include "kernels/pairwise_distances.h"
#include "kernels/select.h"
#include "kernels/window.h"

GRISTMILL_KERNELS(gristmill::kernels::MeanDistance, gristmill::kernels::Nearest,
                  gristmill::kernels::Describe, gristmill::kernels::Copy,
                  gristmill::kernels::Select, gristmill::kernels::Bootstrap,
                  gristmill::kernels::Window, gristmill::kernels::Histogram,
                  gristmill::kernels::GroupStats, gristmill::kernels::KMeansStep,
                  gristmill::kernels::PairwiseDistances, gristmill::kernels::PairHistogram,
                  gristmill::kernels::Loop)
