#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "ipc/segment.h"

namespace gristmill::engine {

// Gives the bytes of that part of the source; valid until the next call.
using PartSource =
    std::function<std::span<const std::byte>(std::int64_t offset_bytes, std::int64_t size_bytes)>;

// No part that is asked for is larger.
inline constexpr std::int64_t kPartBytes = 1024 * 1024;

// A segment filled part by part, in order, then sealed for ever. what: named in errors.
// Errors: kResources when there is no memory for it; kInvalid when a part cannot be read; whatever
// the source throws.
ipc::Segment sealed_copy(std::int64_t size_bytes, const std::string& what,
                         const PartSource& source);

}  // namespace gristmill::engine
