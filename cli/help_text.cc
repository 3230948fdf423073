#include "cli/help_text.h"

namespace gristmill::cli {
namespace {

constexpr const char* kProgram =
    R"(gristmill: run a kernel over a large array on all cores, in worker processes

usage: gristmill run KERNEL --input FILE [--output FILE] [options]
       gristmill run JOB.toml [options]
       gristmill kernels [NAME]
       gristmill inspect FILE
       gristmill new-kernel NAME

  run          run a kernel, or the job that a file describes
  kernels      list the kernels, or describe one
  inspect      show what is in an array file
  new-kernel   begin a kernel of your own

  -h, --help   this text, or that of a command: gristmill run --help
  --version    the version

examples:
  gristmill kernels
  gristmill run nearest --input cities.npy
  gristmill run mean_distance --input cities.npy --output mean=mean.npy
)";

constexpr const char* kRun = R"(run a kernel over an array, in worker processes

usage: gristmill run KERNEL --input [NAME=]FILE... [--output [NAME=]FILE...] [options]
       gristmill run JOB.toml [options]

KERNEL is a name that "gristmill kernels" lists. A name that ends in .toml is a job file, which says
the same as the options; options given beside it override it.

  -i, --input [NAME=]FILE    an input: a .npy file, or raw elements with their layout:
                             FILE:dtype=int16,shape=200000x3,offset=528
                             (offset in bytes, 0 if left out). NAME can be left out when the kernel
                             needs only one input. Repeat the option for several
  -o, --output [NAME=]FILE   write an output to a .npy file. NAME can be left out when the kernel
                             has only one. Without this option results stay in memory and their
                             first values are shown; outputs not named are not computed
  -p, --param NAME=VALUE     set a parameter of the kernel
  --chunk-size SIZE          auto (default), a number of items (500) or a size (64KiB, 1MiB)
  --workers N                worker processes, 1 to 4096; default: one for each usable CPU
  --in-memory                copy the inputs into memory first, by all workers
  --in-process               run the workers on threads of this process, for debuggers, sanitizers
                             and profilers; under a debugger best with --workers 1
  --memory SIZE              refuse the job (exit code 4) if its outputs in memory and its inputs
                             placed there need more than this; default: what is available
  --cache SIZE               memory kept for reuse while nobody uses it; default: a quarter of the
                             memory limit
  --plugin FILE.so           take kernels from this plug-in, too
  --no-clobber               refuse to replace an existing output file
  --dry-run                  show what would be done and why, and do nothing
  --progress MODE            auto (default), bar, plain or none; on stderr
  --json                     print the summary as one JSON object
  -h, --help                 this text

exit codes: 0 done, 1 failed, 2 not started: bad request, 4 out of memory, space or processes,
            70 bug of gristmill, 129, 130 or 143 interrupted

examples:
  gristmill run nearest --input cities.npy
  gristmill run nearest --input cities.npy --input targets=hospitals.npy --output distance=km.npy
  gristmill run nearest --input points.bin:dtype=float32,shape=1000x3 --param metric=euclidean
  gristmill run job.toml --workers 4 --dry-run
)";

constexpr const char* kKernels = R"(list the kernels, or describe one

usage: gristmill kernels [NAME] [--plugin FILE.so]

  --plugin FILE.so   the kernels of this plug-in, too
  -h, --help         this text

examples:
  gristmill kernels
  gristmill kernels nearest
)";

constexpr const char* kInspect = R"(show what is in an array file: dtype, shape, size, a few values

usage: gristmill inspect FILE

FILE is a .npy file, or raw elements with their layout: FILE:dtype=int16,shape=200000x3,offset=528

  -h, --help   this text

examples:
  gristmill inspect cities.npy
  gristmill inspect delays.bin:dtype=int16,shape=200000
)";

constexpr const char* kNewKernel =
    R"(begin a kernel of your own: a small project that builds and works

usage: gristmill new-kernel NAME [--folder FOLDER]

Makes the folder NAME with a kernel in C++, of which one line is to be edited, a CMakeLists.txt and a
test, and says how to build, test and run it. NAME is a lower-case identifier.

  --folder FOLDER   make it in this folder, not here
  -h, --help        this text

examples:
  gristmill new-kernel solar_time
  gristmill new-kernel solar_time --folder ~/kernels
)";

}  // namespace

std::string help_text(std::string_view command) {
  if (command == "run") {
    return kRun;
  }
  if (command == "kernels") {
    return kKernels;
  }
  if (command == "inspect") {
    return kInspect;
  }
  return command == "new-kernel" ? kNewKernel : kProgram;
}

}  // namespace gristmill::cli
