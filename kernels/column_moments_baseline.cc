#include "kernels/column_moments_loops.h"

const gristmill::kernels::ColumnMomentsLoops gristmill::kernels::kColumnMomentsBaseline =
    gristmill::kernels::column_moments("baseline");
