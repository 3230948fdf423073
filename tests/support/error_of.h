#pragma once

#include <gtest/gtest.h>

#include <gristmill/error.h>

namespace gristmill::test {

// The gristmill::Error that the call throws; the test fails if it throws none.
template <class Call>
Error error_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error was thrown";
  return Error(ErrorCode::kInternal, "no error was thrown");
}

}  // namespace gristmill::test
