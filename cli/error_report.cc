#include "cli/error_report.h"

#include <string>

#include <fmt/format.h>

namespace gristmill::cli {
namespace {

int exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return kExitNotStarted;
    case ErrorCode::kFailed:
      return kExitFailed;
    case ErrorCode::kResources:
      return kExitResources;
    case ErrorCode::kInternal:
      return kExitBug;
  }
  return kExitBug;
}

void print(const ErrorText& text) {
  std::string lines = fmt::format("gristmill: {}\n", text.message);
  if (!text.detail.empty()) {
    lines += fmt::format("detail: {}\n", text.detail);
  }
  if (!text.hint.empty()) {
    lines += fmt::format("hint:   {}\n", text.hint);
  }
  // Not fmt::print, which throws when stderr is closed.
  std::fputs(lines.c_str(), stderr);
}

}  // namespace

int report_error(const Error& error) {
  ErrorText text = error.text();
  if (error.code() == ErrorCode::kInternal && text.hint.empty()) {
    text.hint = "This is a bug of gristmill: please report it together with the command line.";
  }
  print(text);
  return exit_code_of(error.code());
}

int report_bug(const std::exception& exception) {
  return report_error(
      Error(ErrorCode::kInternal, fmt::format("unexpected error: {}", exception.what())));
}

}  // namespace gristmill::cli
