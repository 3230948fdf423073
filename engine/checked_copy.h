#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace gristmill::engine {

// Copies all of the source, which is as long as the target. what: named in errors.
// Errors: kInvalid when a byte of the source cannot be read: a wrong pointer, or a mapped file that
// became shorter, is an error here and not a signal, unless a sandbox forbids process_vm_readv.
// Cost: about 1.5 times that of memcpy.
void checked_copy(std::span<std::byte> target, const std::byte* source, const std::string& what);

}  // namespace gristmill::engine
