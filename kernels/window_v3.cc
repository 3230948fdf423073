#include "kernels/window_loops.h"

const gristmill::kernels::WindowLoops gristmill::kernels::kWindowV3 =
    gristmill::kernels::window("x86-64-v3");
