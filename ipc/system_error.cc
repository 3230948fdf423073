#include "ipc/system_error.h"

#include <cctype>
#include <cerrno>
#include <system_error>
#include <utility>

namespace gristmill::ipc {
namespace {

bool is_resource(int error_number) {
  switch (error_number) {
    case ENOMEM:
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case EAGAIN:
    case EFBIG:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string reason_of(int error_number) {
  std::string reason = std::generic_category().message(error_number);
  if (reason.size() > 1 && std::islower(static_cast<unsigned char>(reason[1]))) {
    reason[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(reason[0])));
  }
  return reason;
}

Error system_error(const std::string& action, int error_number, ErrorCode otherwise) {
  std::string hint;
  if (error_number == EMFILE) {
    hint = "Raise the limit (ulimit -n), or keep fewer results: each in memory has a descriptor.";
  }
  return Error(is_resource(error_number) ? ErrorCode::kResources : otherwise,
               {"could not " + action + ": " + reason_of(error_number), {}, std::move(hint)});
}

}  // namespace gristmill::ipc
