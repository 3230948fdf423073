#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace gristmill {

// Chosen by what the caller does next.
enum class ErrorCode {
  kInvalid,    // mend the request: nothing was started
  kFailed,     // the job ran and failed: read the message
  kResources,  // try later, elsewhere, or with less
  kInternal,   // report it: a bug of gristmill
};

// The parts of an error. message: lower case, no full stop, names the thing in double quotes.
// detail and hint: full sentences, or empty.
struct ErrorText {
  std::string message;
  std::string detail;
  std::string hint;
};

// The one exception type of every public call. what() is the message alone.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, ErrorText text)
      : std::runtime_error(text.message), code_(code), text_(std::move(text)) {}
  Error(ErrorCode code, std::string message) : Error(code, ErrorText{std::move(message), {}, {}}) {}

  ErrorCode code() const { return code_; }
  const std::string& message() const { return text_.message; }
  const std::string& detail() const { return text_.detail; }
  const std::string& hint() const { return text_.hint; }
  const ErrorText& text() const { return text_; }

 private:
  ErrorCode code_;
  ErrorText text_;
};

// An error about one parameter of a job, kInvalid: for callers who know where its value was
// written.
class ParameterError : public Error {
 public:
  // Whether the value is wrong, or there is no such parameter.
  enum class About { kValue, kName };

  ParameterError(std::string parameter, ErrorText text, About about = About::kValue)
      : Error(ErrorCode::kInvalid, std::move(text)),
        parameter_(std::move(parameter)),
        about_(about) {}
  const std::string& parameter() const { return parameter_; }
  About about() const { return about_; }

 private:
  std::string parameter_;
  About about_;
};

// kInvalid: unknown kernel "nearst": did you mean "nearest"? Without a near one, the hint lists
// what there is. kind: "kernel", "input", "output", "parameter".
Error unknown_name(std::string_view kind, std::string_view given,
                   std::span<const std::string> known);

}  // namespace gristmill
