#pragma once

namespace gristmill::kernels {

// A typedef, because __extension__ does not go with using.
__extension__ typedef __int128 SignedWide;
__extension__ typedef unsigned __int128 Wide;

}  // namespace gristmill::kernels
