#pragma once

namespace gristmill::ipc {

// A coordinator and its workers must be of the same version: they share memory layouts.
inline constexpr const char* kVersion = GRISTMILL_VERSION;

}  // namespace gristmill::ipc
