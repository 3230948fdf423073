#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "ipc/segment.h"

namespace gristmill::engine {

// Writes all of a part of the copy that begins at offset_bytes of it.
using FillPart = std::function<void(std::span<std::byte> part, std::int64_t offset_bytes)>;

// A segment filled part by part, in order, then sealed for ever. what: named in errors.
// Errors: kResources when there is no memory for it; whatever fill throws.
ipc::Segment sealed_copy(std::int64_t size_bytes, const std::string& what, const FillPart& fill);

}  // namespace gristmill::engine
