#pragma once

#include <string>

#include <gristmill/error.h>

namespace gristmill::ipc {

// The one place where errno becomes an Error: "could not <action>: <reason>". The code follows from
// the errno: no space, no memory and no descriptors are kResources, else `otherwise`.
Error system_error(const std::string& action, int error_number,
                   ErrorCode otherwise = ErrorCode::kInternal);

// The reason in words, lower case: "no such file or directory".
std::string reason_of(int error_number);

}  // namespace gristmill::ipc
