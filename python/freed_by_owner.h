#pragma once

#include <unistd.h>

#include <memory>

namespace gristmill::python {

// What has threads, to be freed by the process that made it: a forked child has no such threads to
// join, and the workers are not its own.
template <typename T>
std::shared_ptr<T> freed_by_owner(std::unique_ptr<T> object) {
  return {object.release(), [owner = getpid()](T* owned) {
            if (getpid() == owner) delete owned;
          }};
}

}  // namespace gristmill::python
