#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <variant>

#include <fmt/format.h>

#include <gristmill/error.h>

#include "cli/arguments.h"
#include "cli/error_report.h"
#include "cli/inspect_command.h"
#include "cli/kernels_command.h"
#include "cli/new_kernel_command.h"
#include "cli/run_command.h"

namespace gristmill::cli {
namespace {

struct Execute {
  int operator()(const TextRequest& request) const {
    std::fputs(request.text.c_str(), stdout);
    return kExitDone;
  }
  int operator()(const RunArguments& arguments) const { return run_job(arguments); }
  int operator()(const KernelsArguments& arguments) const {
    show_kernels(arguments);
    return kExitDone;
  }
  int operator()(const InspectArguments& arguments) const {
    inspect_file(arguments);
    return kExitDone;
  }
  int operator()(const NewKernelArguments& arguments) const {
    new_kernel(arguments);
    return kExitDone;
  }
};

void flush_stdout() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    throw Error(ErrorCode::kResources,
                fmt::format("could not write to the standard output: {}", std::strerror(errno)));
  }
}

int execute(int argc, const char* const* argv) {
  try {
    const int exit_code = std::visit(Execute(), parse_arguments(argc, argv));
    flush_stdout();
    return exit_code;
  } catch (const Error& error) {
    return report_error(error);
  } catch (const std::bad_alloc&) {
    return report_error(Error(ErrorCode::kResources, "out of memory"));
  } catch (const std::exception& exception) {
    return report_bug(exception);
  }
}

}  // namespace
}  // namespace gristmill::cli

int main(int argc, char** argv) { return gristmill::cli::execute(argc, argv); }
