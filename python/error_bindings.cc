#include <exception>

#include <gristmill/error.h>

#include "python/bindings.h"

namespace gristmill::python {
namespace {

const char* class_for(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return "InvalidError";
    case ErrorCode::kFailed:
      return "FailedError";
    case ErrorCode::kResources:
      return "ResourcesError";
    case ErrorCode::kInternal:
      return "InternalError";
  }
  return "InternalError";
}

// The classes are Python's: gristmill/_errors.py.
void raise_in_python(const Error& error) {
  const nanobind::object raised =
      nanobind::module_::import_("gristmill._errors")
          .attr(class_for(error.code()))(error.message(), error.detail(), error.hint());
  PyErr_SetObject(raised.type().ptr(), raised.ptr());
}

}  // namespace

void bind_errors(nanobind::module_&) {
  nanobind::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    try {
      std::rethrow_exception(thrown);
    } catch (const Error& error) {
      raise_in_python(error);
    }
  });
}

}  // namespace gristmill::python
