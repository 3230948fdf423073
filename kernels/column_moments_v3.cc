#include "kernels/column_moments_loops.h"

const gristmill::kernels::ColumnMomentsLoops gristmill::kernels::kColumnMomentsV3 =
    gristmill::kernels::column_moments("x86-64-v3");
