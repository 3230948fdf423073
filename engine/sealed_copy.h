#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "ipc/segment.h"

namespace gristmill::engine {

// Writes the bytes of the source from there on into the part, all of it. Called from several
// threads at once.
using PartFiller = std::function<void(std::int64_t offset_bytes, std::span<std::byte> part)>;

// No part that is asked for is larger.
inline constexpr std::int64_t kPartBytes = std::int64_t{4} << 20;

// Fills the memory of a segment, from its beginning on, part by part, in parallel and with huge
// pages. Errors: whatever the filler throws.
void fill_in_parts(std::span<std::byte> memory, const PartFiller& fill);

// A segment filled so, then sealed for ever. what: named in errors.
// Errors: kResources when there is no memory for it; whatever the filler throws.
ipc::Segment sealed_copy(std::int64_t size_bytes, const std::string& what, const PartFiller& fill);

}  // namespace gristmill::engine
