// A plug-in that ends its process while it is loaded: ENDING is a statement.
#include <unistd.h>

#include <cstdlib>

namespace {

const bool kLoaded = [] {
  ENDING;
  return true;
}();

}  // namespace
