#include "kernels/window_loops.h"

const gristmill::kernels::WindowLoops gristmill::kernels::kWindowBaseline =
    gristmill::kernels::window("baseline");
