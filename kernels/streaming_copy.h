#pragma once

#include <cstddef>
#include <span>

namespace gristmill::kernels {

// Copies all of the source, which is as long as the target and apart from it, with stores that go
// past the caches: they neither read the target first nor evict what others need. They are seen by
// other CPUs, in order, when it returns. On processors other than x86-64 it is memcpy.
void streaming_copy(std::span<std::byte> target, const std::byte* source);

}  // namespace gristmill::kernels
